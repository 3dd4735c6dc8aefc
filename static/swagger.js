// Shows the API's description with Swagger UI.
(() => {
    "use strict";

    const box = document.getElementById("swagger");
    window.SwaggerUIBundle({ url: box.dataset.url, domNode: box, deepLinking: true });
})();
