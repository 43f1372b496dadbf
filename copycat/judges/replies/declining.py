"""Declining to answer: abstentions, refusals, failures, and words that only lead up to an answer."""

from __future__ import annotations

import re

from copycat.subjects.vocabulary import alternatives

NOUN = r"(?:characters?|figures?|mascots?|persons?|people|subjects?|beings?|individuals?)"
_CANNOT = alternatives(
    r"""can(?:'t|not| not)
could(?:n't| not)
(?:am|'m|are|is|was) (?:not|un) ?able
unable
won't
will not"""
)
_TELL = alternatives(
    r"""(?:identif|recogni|determin|discern|confirm|verif|comment|fulfil|compl|answer|disclos|shar|engag|process)\w*
(?:analy[sz]|giv|offer|provid|assist|help|nam|tell|say|specif|decid|judg|pinpoint|figur|guess|know|plac)\w*
(?:see|view|access|open|display|read|make out|be (?:sure|certain|identified|determined|made|recogni[sz]ed))
do (?:that|this)
have (?:access|enough|the ability|sufficient)
feel comfortable"""
)
_DOES_NOT = alternatives(
    r"""know
identify
recogni[sz]e
have (?:access|enough|the ability|sufficient|any info)
feel
allow
provide
permit
disclose
comment
name"""
)
_DECLINES = alternatives(
    r"""(?:not|\w+n't) (?:sure|certain|clear|able|confident|allowed|permitted|possible|known)
(?:not|\w+n't) (?:identifiable|recogni[sz]able)
(?:not|\w+n't) (?:at liberty|enough|seeing|loaded|attached)
un(?:known|identified|identifiable|sure|certain|clear|recogni[sz]able|determined|able)
indeterminate
undeterminable
inconclusive
ambiguous
illegible
insufficient
no (?:idea|clue|image|answer|comment|opinion)
who knows
pass on
(?:hard|difficult|impossible) to
too (?:blurr|dark|small|low|unclear|far|vague|pixel|distort|nois|abstract|grain|fuzz)\w*
too (?:little|obscur|crop|bright|distant)\w*
refuse
decline
(?:policy|policies|guidelines)
content filter
violat\w+
as an? (?:ai|language|large|artificial)
sorry
apologi[sz]e
apologies
cannot
can't (?:be|do)
beats me
(?:need|provide) more
please (?:provide|upload|share|try)
would need
(?:happy|glad) to (?:describe|help)
(?:can|could) (?:(?:only|instead|however) )?(?:describe|offer)
let me know
anything else
feel free
would you like
(?:trouble|difficult(?:y|ies)|hard time|struggl\w+) (?:\w+ )?(?:identif|recogni|determin)\w*
(?:trouble|difficult(?:y|ies)|hard time|struggl\w+) (?:\w+ )?(?:tell|see|mak|nam)\w*
no (?:access|input|attachment|information|context|picture|photo|visual)
without (?:more|further|additional) (?:context|information|details?)
(?:remains?|is|a) (?:a )?mystery (?:to me)?
(?:not|\w+n't) (?:something i|come through|receive|provided|included|uploaded|arrive|load)
(?:not|\w+n't) (?:\w+ )?(?:see|find|have|get|receive) (?:an?|any|the|your) (?:image|picture|attach)\w*
(?:not|\w+n't) (?:\w+ )?(?:see|find|have|get|receive) (?:an?|any|the|your) (?:photo|file)\w*
(?:identification|recognition) (?:isn't|is not|is im)
(?:blocked|flagged|filtered|rejected) by
safety (?:system|filter|reason|setting)s?
(?:internal server|server|connection|network|api|decoding|runtime|value) error
(?:too many requests|rate limit\w*|timed out|timeout|bad gateway|service unavailable|bad request)
(?:quota exceeded|out of memory|traceback|connection (?:refused|reset)|overloaded)
invalid (?:image|request|input|url)
something went wrong
(?:image|picture|file|photo) (?:is|appears|seems) (?:to be )?(?:\w+ )?(?:corrupt\w*|black|blank)
(?:image|picture|file|photo) (?:is|appears|seems) (?:to be )?(?:\w+ )?(?:broken|missing|empty)
could be (?:anyone|anybody)
guess is as good
how can i
(?:could|can|would|will) you
rather not
withheld
redacted
comfortable"""
)
_DECLINES_ELSEWHERE = alternatives(
    r"""je ne (?:sais|peux|connais)
je l'ignore
impossible (?:à|de)
désolé
inconnu
no (?:lo )?s[eé]
no (?:puedo|reconozco|se puede)
lo siento
desconocid[oa]
ich wei(?:ß|ss)
wei(?:ß|ss) nicht
keine ahnung
kann (?:ich |es )?nicht
nicht (?:erkennen|sagen|identifizieren|bestimmen|helfen|erkennbar)
leider
ich kann
unbekannt
non (?:lo )?so
non (?:posso|riesco|riconosco)
mi dispiace
sconosciut[oa]
não (?:sei|posso|consigo|é possível|reconheço)
desculpe
desconhecid[oa]
nie (?:wiem|mogę|rozpoznaję)
przepraszam
nieznan\w+
vet inte
tyvärr
okänd
en tiedä
tuntematon
ved ikke
beklager
ukendt
weet (?:het )?niet
helaas
onbekend
не (?:знаю|могу|удается)
невозможно
неизвест\w*
затрудн\w*
(?:трудно|сложно|тяжело) (?:сказать|определить|понять|узнать)
не (?:уверен\w*|удаётся|определ\w+|видно|ясно|получается)
непонятно
не (?:узна|распозна|имею)\w*
ne (?:le |la )?(?:reconnais|vois|peux|saurais)
aucune idée
ni idea
nessuna idea
nenhuma ideia
(?:erkenne|kenne) (?:\w+ ){0,3}nicht
(?:känner|kender|genkender|kjenner) (?:\w+ )?(?:inte|ikke)
ingen (?:aning|idé|anelse)
en tunnista
ei aavistustakaan
geen idee
nie (?:rozpoznaj\w+|mam pojęcia)
(?:ne suis|pas) (?:\w+ )?(?:sûre?|certaine?|clair|capable|en mesure|possible|identifiable|reconnaissable)
trop (?:flou|sombre|petit)\w*
difficile (?:à|da|de|dire)
difícil (?:de |dizer|decir|saber)
(?:no|não|non) (?:\w+ )?(?:segur[oa]|certeza|claro|clara|sicur[oa]|chiaro|está claro|certo|possibile)
(?:demasiado|muy|troppo|muito) (?:borros|oscur|sfocat|scur|desfocad|escur)\w*
schwer zu
(?:nicht|unsicher) (?:\w+ )?(?:sicher|klar|möglich|deutlich|eindeutig)
zu (?:unscharf|verschwommen|dunkel|undeutlich)
lässt sich nicht
(?:går|kan|är) (?:det )?(?:inte|ikke) (?:att |å |at )?(?:säga|avgöra|se|identif\w+|känna)
(?:går|kan|er) (?:det )?(?:inte|ikke) (?:å |at )?(?:afgøre|genkende|sige)
(?:inte|ikke) (?:helt )?(?:säker|sikker|klart|möjligt|muligt|tydlig\w*)
ved (?:det |jeg )?ikke
(?:svårt|svært|vanskelig|moeilijk) (?:att|at|å|te)
en (?:osaa|pysty|voi|ole varma|tunnista)
ei (?:voi|pysty|ole mahdollista)
vaikea (?:sanoa|tunnistaa)
kan (?:ik )?(?:niet|het niet)
niet (?:zeker|duidelijk|herkennen|zien)
(?:nie jestem pew\w+|trudno powiedzieć|nie można|nie da się)
извините"""
)
_DECLINES_UNSPACED = alternatives(
    r"""わかりません
分かりません
わからない
分からない
できません
できない
不明
不知道
无法
無法
不清楚
未知
抱歉
申し訳
不(?:太|能)?确定
不(?:太)?確定
難以
难以
看不清
[认認]不出
(?:识|識|辨)[别別認认]?不
模糊
かねます
ぼやけ
看不出
無法
はっきりし(?:ない|ません)
見え(?:ない|ません)
확실하지
불분명
어렵
对不起
모르겠
알 수 없
수 없
죄송"""
)
_ABSTAINS = re.compile(
    rf"\b{_CANNOT}\b(?:\s\w+){{0,3}}?\s{_TELL}\b|\bdo(?:es)?(?:n't|\snot)\s(?:\w+\s)?{_DOES_NOT}"
    rf"|\b(?:{_DECLINES}|{_DECLINES_ELSEWHERE})\b|{_DECLINES_UNSPACED}",
    re.IGNORECASE,
)
_ABSTAINS_IN_A_WORD = re.compile(
    r"^\W*\?+\W*$|^\W*(?:unknown|unidentified|uncertain|unsure|unclear|undetermined|unrecogni[sz]ed|idk|dunno|pass|skip|"
    r"maybe|possibly|perhaps|yes|true|image|picture|photo|img)\b(?:\W*(?:character|figure|work|series|person|source))?\W*$",
    re.IGNORECASE,
)
_SEES_NOBODY = re.compile(
    rf"\b(?:don't|do\snot|can't|cannot|can\snot)\s(?:see|recogni[sz]e|find|spot)\s(?:any|a)\s(?:[\w-]+\s){{0,4}}?{NOUN}\b",
    re.IGNORECASE,
)
_POOR = re.compile(r"\b(?:blurry|blurred|error|failed|unreadable)\b", re.IGNORECASE)


_FAILURE = re.compile(
    r"^\W*(?:error|exception|http|status|code)\b[\s:]*(?:code\s)?(?:\d{3}\b|.*\bfail)|^\W*error\s*:",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(
    r"^\W*(?:(?:sure|certainly|of\scourse|okay|ok|alright|all\sright|absolutely|great|well|right|hm+|so|now|first|"
    r"next)\b[\s,.!]*)*"
    r"(?:$|(?:let(?:'s|\sme|\sus)|(?:i|we)(?:'ll|\swill|'m\sgoing\sto|\sam\sgoing\sto|\sneed\sto|\sshould|\shave\sto|\scan\sstart)|"
    r"to\s(?:identify|determine|answer|figure|solve|find|decide)|the\s(?:user|question)\s(?:asks?|wants?|is\sasking)|"
    r"looking\sat|here(?:'s|\sis)\s(?:my|the|an?)\s(?:analysis|answer|description|breakdown)|"
    r"step\s\d+|(?:analysis|reasoning|observations?|description|details|features|key\sfeatures|visual\s(?:cues|features))\W*$)\b)"
    r"|^\W*(?:analysis|reasoning|observations?|description|details|features)\W*$"
    r"|^\W*(?:(?:the|my)\s)?(?:final\s|correct\s)?(?:answer|name|guess)(?:\s(?:is|would\sbe))?\W*$",
    re.IGNORECASE,
)


def is_preamble(sentence: str) -> bool:
    """Whether a sentence only leads up to an answer: "Let me look at the image."."""
    return bool(_PREAMBLE.match(sentence))


def is_poor(sentence: str) -> bool:
    """Whether a sentence complains of the picture or of a failure; it may name somebody all the same."""
    return bool(_POOR.search(sentence))


def abstains(sentence: str) -> bool:
    """Whether a sentence declines to say who is shown, or says that this cannot be told."""
    if _SEES_NOBODY.search(sentence):
        return False
    return bool(_ABSTAINS_IN_A_WORD.match(sentence) or _FAILURE.match(sentence) or _ABSTAINS.search(sentence))
