"""Closed vocabularies of the sources' free spellings: genres, languages, placeholder texts. Data only, no SQL.

Genre synonyms are exact after lower-casing and trimming, and may be followed by 'film' or 'movie'. A term that names two
genres ('action & adventure') gives both; a term not listed becomes a keyword. Languages map to ISO 639-1, because that is
what most sources already write.
"""

from corpus_pipeline.schema.fields import GENRES

# Spellings of one genre of the vocabulary: English variants, then the German ones of omdb.org.
_GENRE_SPELLINGS = {
    "Action": (
        "actionfilm", "martial arts", "superhero", "action epic", "one-person army action", "action super hero", "b-action", "car action",
        "gun fu", "kung fu", "wuxia", "buddy cop", "samurai", "ninja",
    ),
    "Adult": ("erotic", "erotica", "erotik", "erotikfilm", "pornographic", "porn", "pornografie", "sexfilm", "sex", "sexploitation"),
    "Adventure": (
        "abenteuer", "abenteuerfilm", "adventure epic", "swashbuckler", "adventures", "animal adventure", "jungle adventure",
        "urban adventure", "sea adventure", "globetrotting adventure", "desert adventure", "dinosaur adventure", "teen adventure",
        "mountain adventure", "pirate",
    ),
    "Animation": (
        "animated", "anime", "zeichentrick", "zeichentrickfilm", "animationsfilm", "trickfilm", "hand-drawn animation",
        "computer animation", "adult animation", "stop motion animation", "cartoon", "anime features", "classical animation", "stop motion",
        "cartoon anime", "anime series",
    ),
    "Biography": ("biographical", "biopic", "biografie", "biographie"),
    "Comedy": (
        "comedies", "komödie", "komodie", "satire", "parody", "dark comedy", "slapstick", "stand-up comedy", "stand-up", "screwball comedy",
        "black comedy", "buddy comedy", "raunchy comedy", "teen comedy", "quirky comedy", "farce", "high-concept comedy", "holiday comedy",
        "mockumentary", "political satire", "sitcom", "high school comedy", "comedy of mistaken identity", "satire on media", "parodie",
        "schwarze komödie", "stand up", "comedy movies",
    ),
    "Crime": (
        "krimi", "gangster", "kriminalfilm", "heist", "caper", "true crime", "police procedural", "gangsterfilm", "criminal", "detective",
        "police", "mafia", "giallo",
    ),
    "Documentary": (
        "documentaries", "dokumentarfilm", "dokumentation", "doku", "docudrama", "docuseries", "nature documentary", "crime documentary",
        "event documentary", "drama documentary", "staged documentary", "science & technology documentary", "travel documentary",
        "faith & spirituality documentary", "food documentary", "military documentary", "political documentary",
    ),
    "Drama": (
        "dramas", "melodrama", "tragedy", "legal drama", "teen drama", "costume drama", "period drama", "medical drama", "prison drama",
        "psychological drama", "workplace drama", "social drama", "liebesdrama", "political drama", "psychodrama", "courtroom drama",
        "justice drama", "showbiz drama", "cop drama", "marital tragedy", "coming-of-age drama",
    ),
    "Family": (
        "kids", "children", "children & family movies", "children's", "familie", "familienfilm", "kinderfilm", "kids & family", "kinder",
        "kids & family movies",
    ),
    "Fantasy": (
        "fantasy epic", "dark fantasy", "fairy tale", "contemporary fantasy", "teen fantasy", "sword and sorcery", "märchen", "märchenfilm",
        "supernatural fantasy", "sword & sorcery",
    ),
    "Film-Noir": ("film noir", "noir", "neo-noir"),
    "Game-Show": ("game show", "game show / competition", "quiz show"),
    "History": ("historical", "geschichte", "historie", "historisch", "historienfilm", "historical epic"),
    "Horror": (
        "horror movies", "slasher", "horrorfilm", "body horror", "folk horror", "monster horror", "psychological horror", "slasher horror",
        "splatter", "splatter horror", "supernatural horror", "teen horror", "vampire horror", "witch horror", "zombie horror",
        "found footage horror", "b-horror", "monster", "vampiremovie", "zombiefilm", "zombie", "splatter film / gore", "ghost-movie",
        "occult horror", "haunted house", "werewolf horror", "werewolve-movie", "j-horror", "animalhorror", "torture porn", "kaiju",
    ),
    "Music": ("concert", "musikfilm", "musik", "concert films", "music videos and concerts", "music & musicals"),
    "Musical": ("musicals", "jukebox musical", "classic musical", "pop musical", "rock musical", "musicalfilm"),
    "Mystery": (
        "mysterie", "mysteries", "mysteryfilm", "whodunnit", "suspense mystery", "cozy mystery", "hard-boiled detective",
        "bumbling detective",
    ),
    "News": ("nachrichten",),
    "Reality-TV": ("reality", "reality tv", "reality-show", "unscripted"),
    "Romance": (
        "romantic", "teen romance", "romantic movies", "liebesfilm", "romanze", "romantik", "liebe", "dark romance", "feel-good romance",
        "romantic epic", "steamy romance", "tragic romance",
    ),
    "Sci-Fi": (
        "science fiction", "scifi", "sci fi", "science-fiction", "sciencefiction", "sci-fi epic", "cyberpunk", "dystopian sci-fi",
        "space sci-fi", "steampunk", "time travel", "artificial intelligence",
    ),
    "Short": ("kurzfilm", "shorts"),
    "Sport": (
        "sports", "sports movies", "sportfilm", "soccer", "baseball", "basketball", "boxing", "football", "motorsport", "extreme sport",
        "water sport",
    ),
    "Talk-Show": ("talk show", "talkshow", "talk show and variety", "variety"),
    "Thriller": (
        "thrillers", "suspense", "secret service", "psychothriller", "spy", "political thriller", "psychological thriller",
        "erotic thriller", "legal thriller", "cyber thriller", "conspiracy thriller", "serial killer",
    ),
    "TV Movie": ("tv-movie", "television film", "tv film", "fernsehfilm", "tv movies", "television movie"),
    "War": ("kriegsfilm", "krieg", "military", "anti-war", "anti-krieg", "antikriegsfilm", "war epic"),
    "Western": (
        "westerns", "westernfilm", "spaghetti western", "classical western", "contemporary western", "western epic", "italowestern",
    ),
}  # fmt: skip
_TWO_GENRES = {
    "tragicomedy": ("Comedy", "Drama"),
    "tragicomic": ("Comedy", "Drama"),
    "tragikomödie": ("Comedy", "Drama"),
    "mystery thriller": ("Mystery", "Thriller"),
    "family drama": ("Family", "Drama"),
    "family comedy": ("Family", "Comedy"),
    "erotic comedy": ("Adult", "Comedy"),
    "criminal comedy": ("Crime", "Comedy"),
    "slapstick comedy": ("Comedy",),
    "biographical documentary": ("Biography", "Documentary"),
    "history documentary": ("History", "Documentary"),
    "music documentary": ("Music", "Documentary"),
    "sports documentary": ("Sport", "Documentary"),
    "gangster comedy": ("Crime", "Comedy"),
    "teen horror comedy": ("Horror", "Comedy"),
    "dance": ("Musical",),
    "satirical comedy": ("Comedy",),
    "family animation": ("Family", "Animation"),
    "psychological thriller drama": ("Thriller", "Drama"),
    "fantasy adventure": ("Fantasy", "Adventure"),
    "action & adventure": ("Action", "Adventure"),
    "action/adventure": ("Action", "Adventure"),
    "action-adventure": ("Action", "Adventure"),
    "sci-fi & fantasy": ("Sci-Fi", "Fantasy"),
    "science fiction & fantasy": ("Sci-Fi", "Fantasy"),
    "comedy drama": ("Comedy", "Drama"),
    "comedy-drama": ("Comedy", "Drama"),
    "dramedy": ("Comedy", "Drama"),
    "romantic comedy": ("Comedy", "Romance"),
    "romantic comedies": ("Comedy", "Romance"),
    "liebeskomödie": ("Comedy", "Romance"),
    "holiday romance": ("Romance",),
    "romantic drama": ("Drama", "Romance"),
    "crime drama": ("Crime", "Drama"),
    "crime thriller": ("Crime", "Thriller"),
    "crime comedy": ("Crime", "Comedy"),
    "action comedy": ("Action", "Comedy"),
    "action thriller": ("Action", "Thriller"),
    "horror comedy": ("Horror", "Comedy"),
    "comedy horror": ("Horror", "Comedy"),
    "musical comedy": ("Musical", "Comedy"),
    "historical drama": ("History", "Drama"),
    "war drama": ("War", "Drama"),
    "music/musical": ("Music", "Musical"),
    "kids & family animation": ("Family", "Animation"),
    "sci-fi horror": ("Sci-Fi", "Horror"),
    "monster": ("Horror",),
    "biographical drama": ("Biography", "Drama"),
}
NOT_A_GENRE = ("(no genres listed)", "no genres listed", "n/a", "none", "null", "unknown", "-", "\\n", "nan", "movie", "movies", "film")


def genre_synonyms() -> list[tuple[str, str]]:
    """(lower-case spelling, genre of the vocabulary) pairs; a spelling may have several genres."""
    pairs = {(genre.lower(), genre) for genre in GENRES}
    pairs |= {(spelling, genre) for genre, spellings in _GENRE_SPELLINGS.items() for spelling in spellings}
    pairs |= {(spelling, genre) for spelling, genres in _TWO_GENRES.items() for genre in genres}
    pairs |= {(f"{spelling} {form}", genre) for spelling, genre in pairs for form in ("film", "movie")}
    return sorted(pairs)


_LANGUAGES = """
aa Afar|ab Abkhazian|ae Avestan|af Afrikaans|ak Akan|am Amharic|an Aragonese|ar Arabic|as Assamese|av Avaric|ay Aymara|az Azerbaijani
ba Bashkir|be Belarusian|bg Bulgarian|bi Bislama|bm Bambara|bn Bengali,Bangla|bo Tibetan|br Breton|bs Bosnian|ca Catalan|ce Chechen
ch Chamorro|co Corsican|cr Cree|cs Czech|cu Church Slavonic|cv Chuvash|cy Welsh|da Danish|de German,Deutsch,Swiss German|dv Divehi,Dhivehi
dz Dzongkha|ee Ewe|el Greek|en English,Englisch,American English|eo Esperanto|es Spanish,Castilian,Español|et Estonian|eu Basque
fa Persian,Farsi,Dari|ff Fulah|fi Finnish|fj Fijian|fo Faroese|fr French,Français|fy Western Frisian|ga Irish,Irish Gaelic
gd Scottish Gaelic,Gaelic|gl Galician|gn Guarani|gu Gujarati|gv Manx|ha Hausa|he Hebrew|hi Hindi|ho Hiri Motu|hr Croatian
ht Haitian,Haitian Creole|hu Hungarian|hy Armenian|hz Herero|ia Interlingua|id Indonesian|ie Interlingue|ig Igbo|ii Nuosu|ik Inupiaq
io Ido|is Icelandic|it Italian,Italiano|iu Inuktitut|ja Japanese|jv Javanese|ka Georgian|kg Kongo|ki Kikuyu|kj Kuanyama|kk Kazakh
kl Greenlandic,Kalaallisut|km Khmer,Central Khmer|kn Kannada|ko Korean|kr Kanuri|ks Kashmiri|ku Kurdish|kv Komi|kw Cornish
ky Kirghiz,Kyrgyz|la Latin|lb Luxembourgish|lg Ganda|li Limburgish|ln Lingala|lo Lao|lt Lithuanian|lu Luba-Katanga|lv Latvian|mg Malagasy
mh Marshallese|mi Maori|mk Macedonian|ml Malayalam|mn Mongolian|mr Marathi|ms Malay|mt Maltese|my Burmese|na Nauru|nb Norwegian Bokmål
nd North Ndebele|ne Nepali|ng Ndonga|nl Dutch,Flemish|nn Norwegian Nynorsk|no Norwegian|nr South Ndebele|nv Navajo|ny Chichewa|oc Occitan
oj Ojibwa|om Oromo|or Oriya,Odia|os Ossetian|pa Punjabi,Panjabi|pi Pali|pl Polish|ps Pashto,Pushtu,Pashtu|pt Portuguese,Português
qu Quechua|rm Romansh|rn Rundi|ro Romanian,Moldavian|ru Russian|rw Kinyarwanda|sa Sanskrit|sc Sardinian|sd Sindhi|se Northern Sami
sg Sango|sh Serbo-Croatian|si Sinhala,Sinhalese|sk Slovak|sl Slovenian,Slovene|sm Samoan|sn Shona|so Somali|sq Albanian|sr Serbian
ss Swati|st Southern Sotho|su Sundanese|sv Swedish|sw Swahili|ta Tamil|te Telugu|tg Tajik|th Thai|ti Tigrinya|tk Turkmen
tl Tagalog,Filipino|tn Tswana|to Tonga|tr Turkish|ts Tsonga|tt Tatar|tw Twi|ty Tahitian|ug Uyghur|uk Ukrainian|ur Urdu|uz Uzbek|ve Venda
vi Vietnamese|vo Volapük|wa Walloon|wo Wolof|xh Xhosa|yi Yiddish|yo Yoruba|za Zhuang
zh Chinese,Shanghainese,Hakka,Mandarin,Cantonese,Min Nan|zu Zulu
"""
_NOT_A_LANGUAGE = ("xx", "null", "none")  # TMDB writes 'xx' for films without spoken language


def language_codes() -> list[tuple[str, str]]:
    """(lower-case spelling, ISO 639-1 code) pairs: the code itself, English names, TMDB's private 'cn'."""
    entries = [entry.split(" ", 1) for line in _LANGUAGES.split("\n") for entry in line.split("|") if entry]
    pairs = {(name.lower(), code) for code, names in entries for name in (code, *names.split(","))} | {("cn", "zh")}
    return sorted(pair for pair in pairs if pair[0] not in _NOT_A_LANGUAGE)


# Plots that say that there is no plot; compared at the start of the lower-cased text, which must be short.
PLOT_PLACEHOLDERS = (
    "add a plot", "add content advisory", "plot unknown", "plot undisclosed", "plot kept under wraps",
    "plot is unknown", "the plot is unknown",
    "plot under wraps", "plot details", "no overview", "no plot", "no description", "no synopsis", "no summary", "overview not available",
    "overview coming soon", "coming soon", "description not available", "know what this is about", "under wraps", "n/a",
    "tbd", "to be announced",
    "keine beschreibung", "kein inhalt", "it looks like we don't have", "see full summary", "we don't have an overview",
)  # fmt: skip
PLOT_PLACEHOLDER_LENGTH = 120

# Strings in people lists that name nobody, lower case.
NOT_A_PERSON = (
    "n/a",
    "na",
    "nan",
    "none",
    "null",
    "unknown",
    "various",
    "various artists",
    "anonymous",
    "uncredited",
    "not available",
    "-",
    "tba",
    "\\n",
)
