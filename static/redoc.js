// Redoc fetches its maker's logo from their server, and no option of it says otherwise. This site asks
// nobody else for anything: such a picture is given up before it is asked for, and Redoc leaves it out.
(() => {
    "use strict";

    const set = Element.prototype.setAttribute;
    const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");

    const here = (address) => {
        const url = new URL(address, location.href);
        return url.host && url.host !== location.host ? "data:," : address;
    };

    HTMLImageElement.prototype.setAttribute = function (name, value) {
        set.call(this, name, name === "src" ? here(value) : value);
    };
    Object.defineProperty(HTMLImageElement.prototype, "src", {
        ...source,
        set(value) {
            source.set.call(this, here(value));
        },
    });
})();
