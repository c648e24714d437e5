"""Languages as films name them (ISO 639-2), and as the web does (BCP 47, RFC 5646)."""

import re

# Three letters, and the two that stand for the same: BCP 47 takes the shortest (RFC 5646 §2.2.1).
CODES = """
aaraa abkab afraf akaak albsq amham araar argan armhy asmas avaav aveae aymay azeaz bakba bambm baqeu belbe benbn
bihbh bisbi bodbo bosbs brebr bulbg burmy catca cescs chach chece chizh chucu chvcv corkw cosco crecr cymcy czecs
danda deude divdv dutnl dzodz ellel engen epoeo estet euseu eweee faofo fasfa fijfj finfi frafr frefr fryfy fulff
geoka gerde glagd glega glggl glvgv greel grngn gujgu hatht hauha hebhe herhz hinhi hmoho hrvhr hunhu hyehy iboig
iceis idoio iiiii ikuiu ileie inaia indid ipkik islis itait javjv jpnja kalkl kankn kasks katka kaukr kazkk khmkm
kikki kinrw kirky komkv konkg korko kuakj kurku laolo latla lavlv limli linln litlt ltzlb lublu luglg macmk mahmh
malml maomi marmr mayms mkdmk mlgmg mltmt monmn mrimi msams myamy nauna navnv nblnr ndend ndong nepne nldnl nnonn
nobnb norno nyany ocioc ojioj orior ormom ossos panpa perfa plipi polpl porpt pusps quequ rohrm ronro rumro runrn
rusru sagsg sansa sinsi slksk slosk slvsl smese smosm snasn sndsd somso sotst spaes sqisq srdsc srpsr sswss sunsu
swasw swesv tahty tamta tattt telte tgktg tgltl thath tibbo tirti tonto tsntn tsots tuktk turtr twitw uigug ukruk
urdur uzbuz venve vievi volvo welcy wlnwa wolwo xhoxh yidyi yoryo zhaza zhozh zulzu
"""
SHORT = {code[:3]: code[3:] for code in CODES.split()}
UNKNOWN = frozenset({"", "und", "mis", "mul", "zxx"})
TAG = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*", re.IGNORECASE)


def language_tag(written: str | None) -> str | None:
    """The language tag for what a film says of a track (`ger`, `de-AT`, `pt_BR`); `None` where it says nothing."""
    tag = (written or "").strip().replace("_", "-")
    if tag.lower() in UNKNOWN or not TAG.fullmatch(tag):
        return None
    first, *rest = tag.split("-")
    return "-".join([SHORT.get(first.lower(), first.lower()), *rest])
