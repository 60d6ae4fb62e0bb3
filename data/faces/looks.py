"""Who a drawn person is: the measures and colours that make somebody look like themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.faces.brush import Colour

_HAIR = ("crop", "parted", "long", "bob", "curls", "bun", "bald", "quiff", "waves", "receding")
_SKIN: tuple[Colour, ...] = (  # BGR
    (196, 214, 246),
    (176, 200, 240),
    (150, 184, 230),
    (124, 164, 216),
    (100, 140, 198),
    (78, 114, 172),
    (68, 98, 152),
    (58, 84, 130),
)
_HAIR_COLOURS: tuple[Colour, ...] = (
    (28, 24, 24),
    (34, 44, 66),
    (40, 66, 106),
    (62, 104, 160),
    (110, 172, 222),
    (44, 80, 168),
    (168, 168, 172),
    (214, 216, 220),
)
_EYES: tuple[Colour, ...] = ((38, 58, 92), (52, 84, 128), (92, 120, 84), (160, 122, 72), (120, 116, 104))
_CLOTHES: tuple[Colour, ...] = (
    (140, 96, 52),
    (72, 104, 188),
    (96, 138, 92),
    (88, 78, 150),
    (170, 150, 70),
    (84, 84, 92),
    (92, 150, 216),
)
WALLS: tuple[Colour, ...] = ((206, 222, 236), (212, 226, 222), (226, 220, 210), (198, 214, 232), (220, 216, 226))


@dataclass(frozen=True, slots=True)
class Looks:
    """What makes a drawn person look like themselves. Lengths in px of a 640x480 frame, colours BGR."""

    width: float  # half the face
    height: float  # half the face
    jaw: float  # 0 pointed .. 1 square
    eye_gap: float  # half the distance between the pupils
    eye_y: float  # pupils above the middle of the face
    eye_size: tuple[float, float]
    eye_tilt: float
    brow: tuple[float, float, float, float]  # lift, thickness, arch, slope
    nose: tuple[float, float, float]  # length, width, bridge
    mouth: tuple[float, float, float, float]  # y below the middle, half width, fullness, smile
    ears: float
    skin: Colour
    hair: str
    hair_colour: Colour
    iris: Colour
    beard: str
    glasses: str
    clothes: Colour
    wall: Colour
    freckles: bool
    seed: int


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with a share 0..1 of `b`."""
    return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def darker(colour: Colour, by: float) -> Colour:
    """Multiplied by `by`, a little warmer, as shadows on skin are."""
    return (colour[0] * by * 0.94, colour[1] * by * 0.97, colour[2] * by)


def lighter(colour: Colour, by: float) -> Colour:
    return mixed(colour, (255, 255, 255), by)


def looks(person_seed: int) -> Looks:
    """The person that belongs to a seed (>= 0)."""
    rng = np.random.default_rng([7, person_seed])
    u = rng.uniform
    width, height = u(86, 110), u(108, 144)
    tone = int(rng.integers(len(_SKIN) - 1))
    main, streak = (int(i) for i in rng.integers(0, len(_HAIR_COLOURS), 2))
    hair = str(rng.choice(_HAIR))
    bearded = hair in ("crop", "parted", "bald", "quiff", "receding", "curls")
    return Looks(
        width=width,
        height=height,
        jaw=u(0.05, 0.95),
        eye_gap=width * u(0.425, 0.55),
        eye_y=height * u(0.03, 0.25),
        eye_size=(u(14, 25), u(6, 13)),
        eye_tilt=u(-9, 9),
        brow=(u(11, 28), u(3.5, 13), u(0, 12), u(-6, 6)),
        nose=(height * u(0.30, 0.56), u(12, 30), u(4, 11)),
        mouth=(height * u(0.50, 0.65), width * u(0.27, 0.53), u(5, 18), u(2, 13)),
        ears=u(0.7, 1.25),
        skin=mixed(_SKIN[tone], _SKIN[tone + 1], u(0, 1)),
        hair=hair,
        hair_colour=mixed(_HAIR_COLOURS[main], _HAIR_COLOURS[streak], u(0, 0.3)),
        iris=_EYES[int(rng.integers(len(_EYES)))],
        beard=str(rng.choice(["none", "stubble", "full", "goatee", "moustache"], p=[0.4, 0.15, 0.2, 0.12, 0.13]))
        if bearded
        else "none",
        glasses=str(rng.choice(["none", "round", "square", "half"], p=[0.68, 0.12, 0.12, 0.08])),
        clothes=_CLOTHES[int(rng.integers(len(_CLOTHES)))],
        wall=WALLS[int(rng.integers(len(WALLS)))],
        freckles=bool(u(0, 1) < 0.2),
        seed=person_seed,
    )


def outline(who: Looks, cx: float, cy: float, grow: float = 1.0, n: int = 72) -> list[tuple[float, float]]:
    """The edge of the face: an oval above, a jaw between pointed and square below."""
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    below = np.clip(np.sin(t), 0, 1)
    power = 2.0 + 0.75 * who.jaw * below
    c, s = np.cos(t), np.sin(t)
    radius = (np.abs(c) ** power + np.abs(s) ** power) ** (-1 / power)
    narrow = 1 - (0.26 - 0.2 * who.jaw) * below**2
    xs = cx + who.width * grow * radius * c * narrow
    ys = cy + who.height * grow * radius * s
    return list(zip(xs.tolist(), ys.tolist(), strict=True))
