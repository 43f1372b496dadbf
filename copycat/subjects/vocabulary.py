"""Words that decide what a sentence says of a name in it, by what they do.

Each constant is the inside of a regular expression: alternatives for one word or phrase, in lower case.
"""

from __future__ import annotations


def alternatives(text: str) -> str:
    """A group of the lines of `text`, each a word or a phrase, or a regular expression for such."""
    return (
        "(?:" + "|".join(phrase.strip().replace(" ", r"\s+") for phrase in text.split("\n") if phrase) + ")"
    )


def words(text: str) -> str:
    """A group of the words of `text`."""
    return "(?:" + "|".join(text.split()) + ")"


NEGATION = alternatives(
    r"""(?:not|never|no|nor|neither|none|without|cannot|hardly|except|unlike|minus)
\w+n't
(?:rather|other) than
instead of
(?:different|distinct|far) from
differs? from
(?:lack|exclud|omit|rul(?:e|es|ed|ing) out)\w*
absence of
(?:anyone|anything|everyone|nothing|all) (?:but|like)"""
)
"""What denies that who is named after it is there."""

EMPHASIS = alternatives(
    r"""not (?:only|just|merely|simply)
(?:no|none|nobody|no one)(?: (?:one|figure|character|person))? (?:other|else|less|but)(?: than)?
(?:no|without (?:a|any)|without) (?:doubt|question|mistake|mistaking)
not surprisingly
cannot be anyone (?:but|other than|else)
can't be anyone (?:but|other than|else)"""
)
"""What looks like a negation and affirms."""

LIKENESS = alternatives(
    r"""resembl\w+
reminiscent
remind\w*
similar\w*
akin
evok\w+
evocative
(?:inspired|influenced|informed) by
inspiration
bas(?:ed|ing) (?:\w+ )?(?:up)?on
(?:model|pattern|styl)l?ed (?:on|after)
in the (?:style|vein|spirit|manner|likeness|mould|mold)
homage
tribute
nod (?:to|at)
parod\w+
imitat\w+
impersonat\w+
mimic\w*
(?:knock-?off|rip-?off|bootleg|pastiche|spoof|riff)s?
(?:variation|variant|takeoff|allusion|reference)s?
(?:suggest|recall|echo)\w*
hint\w* (?:of|at)
(?:bring|call|spring)\w* (?:\w+ )?to mind
bring\w* up
think\w* of
associat\w+
compar\w+
confus\w+
mist(?:ake|ook)\w*
borrow\w*
consider\w*
expect\w*
at first
at a glance
initially
tempt\w*
pass(?:es|ed)? (?:for|as)
taken for
such as
for (?:example|instance)
e\.g\.
(?:much|bit|little|lot|somewhat|kind|sort|vaguely|almost|just|slightly) like
(?:rather|very|nearly|something|more|loosely) like
(?:as|typical|characteristic|worthy|fan|works?) (?:with|of)
(?:cross|mix|blend|mash-?up|hybrid|somewhere) (?:of|between)
(?:colou?rs|palette|outfit|clothes|look|aesthetic|features|traits|elements|vibes?|shades) of"""
)
"""What says that something is like who is named after it, or makes one think of them."""

ALIKE = words(
    r"""like esque inspired based theme[ds]? style[sd]? type[sd]? ish look-?alikes? lookalikes? clones?
wannabes? knock-?offs? rip-?offs? parody parodies imitations? imitators? impersonators? homages?
tributes? pastiches? copy copies copycats? bootlegs? fakes? vibes? influences? aesthetic references?
adjacent colou?rs? colou?red sized? shaped branded patterned variants? stand-?ins? doubles?
doppelgangers? counterparts? reminiscent"""
)
"""What makes a likeness of the name before it."""

IMITATIONS = words(
    r"""look-?alikes? look\salikes? parody parodies parodied spoofs? imitations? imitators? imitating
impersonators? impersonations? impersonating knock-?offs? rip-?offs? bootlegs? counterfeit fake clones?
wannabes? impostors? imposters? homages? tributes? pastiches? copy copycats? doppelg[aä]ngers? stand-?ins?
mimics? pseudo off-?brand"""
)
"""What an imitation of the name before it is called, in brackets."""

UNREAL = words(
    "fake bootleg pseudo faux off-?brand knock-?off imitation counterfeit would-be non wannabe not-quite"
)
"""What does so before the name."""

WORKS = words(
    r"""franchises? series games? videogames? movies? films? shows? comics? cartoons? universe worlds? sagas?
trilogy trilogies story stories tales? books? novels? anime manga musical play sequels? prequels?
adaptations? animation classic media multiverse canon lore mythos cast reboot remake spin-?off
episodes? programmes? programs? storyline feature features title titles installments? strips? brand
media works? production"""
)
"""Kinds of works."""

THINGS = words(
    r"""costumes? outfits? suits? logos? symbols? emblems? insignia signs? signals? t-?shirts? shirts? tees?
hoodies? jerseys? mugs? caps? hats? helmets? masks? capes? shields? hammers? gloves? shoes pyjamas
pajamas backpacks? lunchbox merchandise merch fans? fandom lettering text caption names? villains?
enem(?:y|ies) sidekicks? soundtrack kart party bros brothers odyssey land studios? museum ride club
clubhouse wallpaper motif wiki theme trademark dvd vhs cd books? albums? tickets? box copy cover bottle
jar pack tube detergent fan-?club movie toy-?box balloons?-shop"""
)
"""What is not the figure when it goes by the figure's name."""

STAYS = words(
    r"""face head portrait silhouette figure body likeness profile smile grin expression pose appearance eyes
back side in on at here there the an? not shown been got back right left"""
)
"""What comes after "'s" and is no belonging: "Mario's face", "Mario's in the middle"."""

DEPICTIONS = words(
    r"""images? pictures? photos? photographs? depictions? drawings? paintings? illustrations? portraits?
renderings? renders? versions? figures? figurines? minifigures? minifigs? statues? statuettes?
sculptures? models? toys? plush
plushies? dolls? puppets? balloons? murals? graffiti sketch sketches close-?ups? shots? scenes? stills?
screenshots? cartoons? mosaics? costumes? cosplay cosplayers? mascots? representations? likeness pairs?
groups? trio duo bunch crowd army horde number lots? couple rows? sets? views? silhouettes? characters?
animations? cutouts? replicas? busts? forms? incarnations? interpretations? takes? art artworks?
rendition identity faces? heads? front middle cent(?:re|er) left right side top bottom presence
consists? consisting composed instances? examples? pops? funkos? bobbleheads? keychains? tattoos?
toppers? cakes? ornaments? collages? memes? emojis? avatars? sprites? designs? selfies? snapshots?
animals? lanterns? floats? impressions? body full-body rest kind type many several all both one each
two three four pieces? most part posters? stickers? popsicles? pumpkins? snowm[ae]n"""
)
"""Of whom one may be without being another figure: an image of, a pair of."""

WRITING = alternatives(
    r"""(?:says|saying|(?:that|which) say|reads|reading|spells|spell(?:ed|ing)(?: out)?)
(?:label|caption|letter|inscrib|stamp|embroider|engrav|entitl|titl)\w*
written
writing
(?:bear|with|show|has|have|carr)\w* the name
(?:word|text|headline|watermark|signature|hashtag|slogan|tag|credit|typography|font|heading)s?
(?:logo|sign|banner|brand|plaque)s?"""
)
"""What has the name after it written in the picture."""

WRITTEN = alternatives(
    r"""(?:(?:is|are|was|were|being|appears?) )?(?:hand)?(?:written|spelled|lettered|inscribed) (?:\w+)
(?:(?:is|are|was|were|being|appears?) )?(?:printed|engraved|embroidered|stamped) (?:on|in|across|out)
in (?:\w+ )*(?:letters|lettering|font|type|writing|script|print|text)
as (?:a )?(?:text|caption|title|watermark|logo)"""
)
"""What does so after the name."""

KIN = words(
    r"""brothers? sisters? twins? sons? daughters? father mother dad mom mum parents? wife husband cousins?
uncle aunt nephews? niece friends? companions? sidekicks? partners? rivals? enem(?:y|ies) nemesis foes?
all(?:y|ies) pets? owner creators? boss servants? girlfriend boyfriend mentor apprentice students?
teacher neighbou?rs? helpers? counterparts? villains? antagonists? opponents? bodyguard butler
half-brother stepmother stepsisters? godmother guardian mount horse dog fans? members? followers?
leaders? assistants? teammates? colleague fianc[ée]e? lover crush roommate captor prisoner bride groom
heir successor predecessor"""
)
"""What one is to another figure."""

DEEDS = words(
    r"""fights? opposes? rivals? serves? helps? assists? befriends? loves? hates? chases? hunts? rescues?
saves? battles? follows? protects? raises? teaches? marries? kidnaps? meets? accompanies? guards?
betrays? curses? kills? wants antagoni[sz]es? opposing serving assisting befriending loyal related
married
(?:made|created|designed|drawn|invented|owned|hunted|chased|rescued|saved|trained|raised|defeated|captured)\s(?:by)
(?:fought|played|voiced|portrayed|cursed|imprisoned|betrayed|adopted|kidnapped|taught|built|used|led)\s(?:by)"""
)
"""What one does with another figure, in a plot."""

HEDGES = words(
    "could might may maybe perhaps possibly potentially conceivably whether unsure unclear uncertain either"
)
"""What leaves open whether it is who is named after it."""

KEEPS = words(
    r"""the an? and or with as is it's its his her this that these my our your meet of from in on at by to for
young old baby little kid teen teenage adult toon classic modern original chibi mini tiny big giant
super evil cartoon animated cgi lego toy plush stuffed plastic wooden paper crochet knitted inflatable
golden retro vintage pixel pixelated cyborg zombie king queen prince princess sheriff master mr mister
dr doctor sir officer detective agent professor emperor general real actual genuine disney(?:'s)?
nintendo(?:'s)? marvel(?:'s)? pixar(?:'s)? dc(?:'s)? sega(?:'s)? capcom(?:'s)? pokémon pokemon walt
famous iconic beloved popular cute one two three four five six seven eight nine ten several many some
few all most dozens answer behind beside under over near above below next after before around between
against inside outside while when where because through across along fan-made official female male
multiple various human anthropomorphic stylized
stylised realistic angry happy sad smiling holiday christmas halloween
steampunk summer winter standing character figure name answer left right characters yes maybe probably
likely definitely clearly also only just both es ist das dies der die c'est est voici il s'agit de el
la le un une é è e o os as ele questo questa dit det den to jest это este esta hier son sono son
personaje personnage figur personaggio personagem either not no hello hi dear with plus versus vs here
there possibly probablemente probablement probabilmente provavelmente wahrscheinlich vermutlich troligen
sannolikt sandsynligvis вероятно seguramente zweifel vielleicht peut-être quizás quizá forse talvez
kanske måske ehkä возможно podría podria ce ceci ese shows depicts features meet featuring featured"""
)
"""Words before a name that leave it the same figure's, also with a capital."""

FOLLOWS = words(
    r"""the an? and or with as is are was from in on at by to for of who that which holding has have wearing
character figure figurine minifigure minifig figures mark mk armou?r plush plushie toy toys doll
statue costume cosplay
cosplayer version
fan art fanart himself herself itself balloon sculpture drawing painting illustration pokémon pokemon
and&? not but also the ii iii jr appears stands looks smiles seems can may might must will would could
should does did alone too here there then now together look stand run sit behind beside under over near
above below next after before around between against inside outside while when where because through
across along"""
)
"""Words after a name that leave it whole, also with a capital."""

LETTERED = alternatives(
    r"""title (?:card|screen|sequence|page|treatment|text)s?
(?:word ?mark|logo(?:type)?|lettering|brand(?:ing)?|trademark|emblem|signage|slogan|font|typography)s?
(?:box|cover|album|key) art
brand name
(?:movie|film) (?:title|logo)s?
merchandise
packaging"""
)
"""What goes by the name of a work or a brand, and shows at most its letters."""

FORMS = words(
    r"""saiyan ssj\d? ssgss g1 cat frog bee penguin instinct mode form hyper mega ultra shiny gigantamax
gmax dynamax fire ice tanooki raccoon sorcerer
builder racer racing clay claymation felt knit minecraft roblox fortnite funko pop nendoroid hooded caped
unmasked
masked armou?red teen-?aged? elderly adolescent grown-?up newborn toddler infant preteen chibi-style pixel-art
8-bit 16-bit 3d 2d low-poly cel-shaded super classic modern young kid baby toon lego chibi wizard pirate
ninja samurai
cowboy astronaut vampire witch knight santa steampunk cyberpunk retro vintage animated live-action plush
era"""
)
"""Words before a name that tell a form, an age or a rendering of the same figure."""

UNSURE_FORMS = words("metal mecha gr[ae]y")
"""Words that tell a form of some figures and the double of others."""
