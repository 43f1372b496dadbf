"""What other languages than English make of a name: another figure's friend, or the work it is from."""

from __future__ import annotations

import re

from copycat.subjects.mentions import Mention
from copycat.subjects.vocabulary import words

_IMAGES = words(
    r"""im[aá]gene?s? images? imagem immagin[ei] bild bilde billede afbeelding kuva fotos? photos? photographie
    fotograf[ií]a ilustraci[oó]n illustration illustrazione ilustra[cç][aã]o dessin dibujo desenho disegno
    zeichnung teckning tegning tekening rysunek obraz figura figur figurine figurita figuur statue statua estatua
    est[aá]tua staty juguete jouet giocattolo brinquedo spielzeug peluche pel[uú]cia mu[nñ]eco boneco pupazzo
    disfraz disfrazad[oa] vestid[oa] d[eé]guis[eé]e? costume personaje personagem personnage personaggio
    caricatura versi[oó]n vers[aã]o versione version retrato portrait ritratto p[oô]ster affiche plano par pareja
    grupo groupe gruppo cara visage gesicht rostro escultura sculpture trata tratta agit tratar
    изображение рисунок картинка фото игрушка фигурка"""
)
"""Of whom one may be without being another figure; verbs that take "de" before an answer."""
_KINDS = words(
    r"""pelistä elokuvasta sarjasta spiel spielen serie série filmen film filme jeu jeux juego juegos gioco giochi
    jogo jogos spelet spel spillet игры игре игр фильма мультфильма сериала franquicia saga reihe"""
)
"""Kinds of works, before a title."""
_RELATIVES = words(
    r"""брат сестра друг подруга враг соперник отец сын дочь мать жена муж собака п[её]с кот хозяин помощник
    ученик учитель из от veli sisar ystävä vän ven bror syster søster kompis"""
)
"""What one is to another figure, where the name follows without a preposition."""

_PREPOSITION = re.compile(
    r"(?P<of>[^\W_][\w.-]*)[\"”»]*\s+(?:(?:de|del|du|des|von|vom|aus|di|do|da|dos|das|della|dal|av|af|till|til|från|fra|"
    r"frå|van|uit|от|из|z)\s+(?:(?:la|las|los|el|le|les|il|lo|o|a|der|dem|den|het)\s+)?|(?:de\s+l|dell|d)['’])[\"“«]*$",
    re.IGNORECASE,
)
_IMAGE = re.compile(rf"\b{_IMAGES}\b", re.IGNORECASE)
_RELATIVE = re.compile(rf"\b{_RELATIVES}\s+(?:\w+\s+)?$", re.IGNORECASE)
_WORK = re.compile(rf"\b{_KINDS}\s+[\"“«„]*$", re.IGNORECASE)
_OWNS_UNSPACED = re.compile(
    r"^[』」》】）)]*(?:の(?!画像|絵|イラスト|写真|人形|フィギュア|ぬいぐるみ|像|キャラクターです|キャラです|よう|コスプレ|姿)"
    r"|的(?!图|圖|画|畫|形象|照片|玩具|雕像|角色形象|插|卡通|样子|樣子|玩偶)|의\s?(?!그림|이미지|사진|인형|모습))"
    r"|^(?:に登場|に出てくる|中的|里的|裡的|에 나오는|에 등장)"
)


def is_related_elsewhere(m: Mention) -> bool:
    """Whether the name tells, in another language, to whom or to what work somebody belongs."""
    if _OWNS_UNSPACED.match(m.after) or _RELATIVE.search(m.before) or _WORK.search(m.before):
        return True
    told = _PREPOSITION.search(m.before)
    return bool(told) and not _is_image(re.split(r"[,;:.!?(–—]", m.before[: told.end("of")])[-1])


def _is_image(phrase: str) -> bool:
    """Whether a phrase before "of" is about a picture or a likeness, and names nobody."""
    found = list(_IMAGE.finditer(phrase))
    return bool(found) and not re.search(r"\b[A-ZÀ-Þ]\w+", phrase[found[-1].end() :])
