"""What other languages than English make of a name: a denial, a doubt, another figure's friend, a work."""

from __future__ import annotations

import re

from copycat.subjects.mentions import Mention
from copycat.subjects.vocabulary import words

_IMAGES = words(
    r"""im[aá]gene?s? images? imagem immagin[ei] bild bilde billede afbeelding kuva fotos? photos?
photographie
    fotograf[ií]a ilustraci[oó]n illustration illustrazione ilustra[cç][aã]o dessin dibujo desenho disegno
    zeichnung teckning tegning tekening rysunek obraz figura figur figurine figurita figuur statue statua
estatua
    est[aá]tua staty juguete jouet giocattolo brinquedo spielzeug peluche pel[uú]cia mu[nñ]eco boneco pupazzo
    disfraz disfrazad[oa] vestid[oa] d[eé]guis[eé]e? costume personaje personagem personnage personaggio
    caricatura versi[oó]n vers[aã]o versione version retrato portrait ritratto p[oô]ster affiche plano
par pareja
    grupo groupe gruppo cara visage gesicht rostro escultura sculpture trata tratta agit tratar
    изображение рисунок картинка фото игрушка фигурка"""
)
"""Of whom one may be without being another figure; verbs that take "de" before an answer."""
_KINDS = words(
    r"""pelistä elokuvasta sarjasta spiel spielen serie série filmen film filme jeu jeux juego juegos
gioco giochi
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
    r"^[』」》】）)]*(?:の(?!画像|絵|イラスト|写真|人形|フィギュア|ぬいぐるみ|像|キャラクターです|キャラです|よう|コスプレ|姿|可能性)"
    r"|的(?!图|圖|画|畫|形象|照片|玩具|雕像|角色形象|插|卡通|样子|樣子|玩偶)|의\s?(?!그림|이미지|사진|인형|모습))"
    r"|^(?:に登場|に出てくる|中的|里的|裡的|에 나오는|에 등장)"
)


def is_related_elsewhere(m: Mention) -> bool:
    """Whether the name tells, in another language, to whom or to what work somebody belongs."""
    if _OWNS_UNSPACED.match(m.after) or _RELATIVE.search(m.before) or _WORK.search(m.before):
        return True
    told = _PREPOSITION.search(m.before)
    if told is None:
        return False
    return not _is_image(re.split(r"[,;:.!?(–—]", m.before[: told.end("of")])[-1])


def _is_image(phrase: str) -> bool:
    """Whether a phrase before "of" is about a picture or a likeness, and names nobody."""
    found = list(_IMAGE.finditer(phrase))
    return bool(found) and not re.search(r"\b[A-ZÀ-Þ]\w+", phrase[found[-1].end() :])


_DENIES = re.compile(
    r"(?:\b(?:nicht(?!\snur)|kein\w*|(?:n'est|ne|c'est|est|sont|y\sa)\spas(?!\sseulement)|no\s(?:es|son|se\strata|hay|aparece|est[aá]|parece)"
    r"|non\s(?:è|e'|sono|si|c'è)|não\s(?:é|são|se|há)|inte|ikke|ei(?:\s(?:ole|näytä))?|не|nie\sjest|niet|geen|sans(?!\sdoute)|ohne(?!\szweifel)|senza(?!\sdubbio)|sem(?!\sdúvida)|"
    r"utan(?!\stvekan)|uden(?!\stvivl)|ilman|без)\b(?:\s(?!sondern|aber|sino|mais|ma\b|mas\b|utan(?!\stvekan)|men\b|а\b)[\w']+){0,3}\s+|"
    r"(?:不是|并非|並非|没有|沒有|而非))[\"“«『「]*$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"^[』」\"”»]*(?:\s+(?:ist|wird|är|er|é|è|está|es)?\s*(?:nicht|inte|ikke|ei|не|no\s(?:est[aá]|aparece|es)|n'est\spas|não|non\s[eè])\b"
    r"|(?:では|じゃ|で)(?:ない|ありません|なく|は(?:ない|ありません|なく))|(?:が|は)(?:い(?:ない|ません)|写って(?:いない|いません)|見当たら)"
    r"|(?:이|가|은|는)?\s?(?:아니|없))",
    re.IGNORECASE,
)
_LIKENS = re.compile(
    r"(?:\b(?:ressembl\w*|rappel\w*|semblable|évoqu\w*|inspir\w+|pareci(?:d[oa]|da)s?|se\sparece|recuerda|ähn(?:eln|elt|lich)|erinnert|"
    r"(?:as)?somigli\w*|simil[ei]|ricorda|parece\scom|lembra|liknar|påminner|ligner|minder\som|lijkt\sop|muistuttaa|похож\w*|"
    r"напомина\w+|(?:\w+,?\s)(?:die|der|das|aber)?\s?(?:sieht\s)?(?:\w+\s)?aus\swie|à\sla|al\sestilo|im\sstil)\b(?:\s[\w']+){0,3}\s+|"
    r"(?:像|类似|類似|类似于|模仿))[\"“«『「]*$",
    re.IGNORECASE,
)
_LOOKS = re.compile(r"(?:^|[.!?]\s)\W*(?:(?:das|es|sie|er|dies)\s)?sieht\saus\swie\s+$", re.IGNORECASE)
_LIKENED_AFTER = re.compile(
    r"^[』」\"”»]*(?:\s(?:ähn(?:elt|lich)|gleicht)|に似|のよう[なに]|みたいな|っぽい|風の|风格|風格|(?:와|과|을|를)?\s?(?:비슷|닮))",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"(?:\b(?:podría|podria|puede|quizás?|tal\svez|posiblemente|peut-être|pourrait|vielleicht|möglicherweise|könnte|forse|potrebbe|"
    r"talvez|pode\sser|poderia|kanske|kan\svara|måske|kan\svære|ehkä|voi\solla|возможно|может)\b[^,.;]{0,25}"
    r"|(?:可能是|也许是?|或许是?))$",
    re.IGNORECASE,
)
_HEDGED_AFTER = re.compile(r"^[』」]*(?:かも|の可能性|일\s수도)")


def is_denied_elsewhere(m: Mention) -> bool:
    """Whether it is said, in another language, that it is not the one, or is only like it."""
    if _DENIES.search(m.before) or _DENIED_AFTER.match(m.after) or _LIKENED_AFTER.match(m.after):
        return True
    return bool(_LIKENS.search(m.before)) and not _LOOKS.search(m.before)


def is_hedged_elsewhere(m: Mention) -> bool:
    """Whether it is left open, in another language, that it is the one."""
    return bool(_HEDGED.search(m.before) or _HEDGED_AFTER.match(m.after))
