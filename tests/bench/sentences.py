"""What the engines are measured on: sentences of our own, as people say them in a talk."""

SENTENCES = (
    "The bridge was closed for three weeks after the flood.",
    "Please don't open the window while the heating is on.",
    "My grandmother taught me how to bake this bread.",
    "If you turn left at the school, you will see the lake.",
    "We didn't expect so many people to come, and we ran out of chairs.",
    "Most of the students walk to school, but a few take the bus.",
    "The new engine uses less fuel than the old one.",
    "She called twice yesterday, and nobody answered.",
    "You can keep the book until the end of the month.",
    "It rained all night, so the football game was moved to Sunday.",
)
