"""Where every source comes from: files pinned by SHA-256, official homes, licence, citation, merging rank. Nothing is read here.

Rows are only ever appended and ranks never change: `movie_id` hangs on the order in which sources are merged.

A pinned file lies in a mirror under `SourceFile.name`. The packs of `movies/` were cut from public repositories and have no
address of their own; a user with a network takes the official forms instead, which are sources too (`imdb_official`,
`movielens_official`, `omdb_official`) or stand in `Source.official`. Official files that change, some of them daily, carry no
hash and are pinned when they are first used.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SHIPPED = Path(__file__).parent / "starter"
KINDS = ("movies", "dialogues", "interactions")
IMDB_TERMS = "IMDb non-commercial terms: personal and non-commercial use, no re-publishing"
IMDB_PAGES = "scraped from IMDb pages: text of IMDb and its contributors, no licence to re-publish"
TMDB_TERMS = "TMDB API terms: non-commercial use with attribution, no bulk re-publishing"
GROUPLENS = "GroupLens: research use, no redistribution without permission, no commercial use"
IMDB_CITATION = "Information courtesy of IMDb (https://www.imdb.com). Used with permission."
TMDB_CITATION = "This product uses the TMDB API but is not endorsed or certified by TMDB."
MOVIELENS_CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM TiiS 5, 4, 19:1-19:19. "
    "https://doi.org/10.1145/2827872"
)
HE_2023 = "Z. He et al. 2023. Large Language Models as Zero-Shot Conversational Recommenders. CIKM 2023. https://arxiv.org/abs/2308.10053"
_HE = "https://raw.githubusercontent.com/AaronHeee/LLMs-as-Zero-Shot-Conversational-RecSys/master/data"
_IMDB = "https://datasets.imdbws.com"
_OMDB = "https://www.omdb.org/data"
_GROUPLENS = "https://files.grouplens.org/datasets/movielens"
_INSPIRED = "https://raw.githubusercontent.com/sweetpeach/Inspired/master/data/dialog_data"
_PRUST = "https://raw.githubusercontent.com/prust/wikipedia-movie-data/master"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file by its name in a mirror (or among the shipped files), its SHA-256 ('' when it is not pinned), its addresses."""

    name: str
    sha256: str = ""
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One source of films, dialogues or interactions. `rank`: place in the order of identity merging, 0 for all but films.

    `homepage` is where these bytes were published, `upstream` the official home of what is in them; `official` are the
    files to fetch where no mirror holds `files` and the reader takes both forms. With `is_official_preferred` they are
    taken wherever they are at hand already, because `files` hold less.
    """

    key: str
    kind: str
    title: str
    homepage: str
    licence: str
    citation: str
    files: tuple[SourceFile, ...]
    rank: int = 0
    licence_allows_redistribution: bool = False
    upstream: tuple[str, ...] = ()
    official: tuple[SourceFile, ...] = field(default=())
    is_official_preferred: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not self.files or (self.kind == "movies") != (self.rank > 0):
            raise ValueError(f"source {self.key}: kind is one of {KINDS}, only films have a rank, from 1; and it has files")


_HE_INSPIRED = (
    SourceFile(
        "dialogues/he2023/data/inspired/test.jsonl", "7b81199fcda6c71ac6efe15c7dc69c5dea43d164d0f05ee49a8015c5c8371bac",
        (f"{_HE}/inspired/test.jsonl",),
    ),
    SourceFile(
        "dialogues/he2023/data/inspired/entity2id.json", "6ea0f59be9da55a78e2b48eff35928bf62a7232d143eb905d350ed38268583d2",
        (f"{_HE}/inspired/entity2id.json",),
    ),
)  # fmt: skip
_HE_REDIAL = (
    SourceFile(
        "dialogues/he2023/data/redial/test.jsonl", "11e07db4b9178bd778669baf8be02aa4b3e20291cce6a3a89bc510dc9ecb063b",
        (f"{_HE}/redial/test.jsonl",),
    ),
    SourceFile(
        "dialogues/he2023/data/redial/entity2id.json", "63353aca481bc9558b502f91cb98f6fa26438796fdd7e0bc06b5a1532126e8b5",
        (f"{_HE}/redial/entity2id.json",),
    ),
)  # fmt: skip
_INSPIRED_DEV = SourceFile(
    "dialogues/inspired/dev.tsv", "15a955be002222ba9e95f886802e06a91fb5e457f8a25deae3e7908d58faa947", (f"{_INSPIRED}/dev.tsv",)
)
_INSPIRED_TEST = SourceFile(
    "dialogues/inspired/test.tsv", "a10f63ff26045158460730d4829ffba74bee86fb744d9f48c1c1c511ef609993", (f"{_INSPIRED}/test.tsv",)
)
_JIRVING = SourceFile("movies/tmdb_jirving.tar.zst", "8a5fd08233558f149221d2574edc0fefc6b1d670718913d46b39419f36d3682d")
_FLATIRON = SourceFile("movies/imdb_flatiron.tar.zst", "38b3b43d7a051d1af44815e403ffa7e87ed80526c739f29277d4931563da08c5")
_SVOD = SourceFile("movies/svod_catalog.tar.zst", "5b7d8a115e9ae646ca645b11758ef6f718bc3fc40839ea5ce7da84ecae4bcc4e")
_JIRVING_HOME = "https://github.com/jirvingphd/how-to-make-successful-movies"
_FLATIRON_HOME = "https://github.com/mark-barbour/dsc-phase-1-project-v2-3"
_SVOD_HOME = "https://github.com/HolisticFail/svod_catalog"
_SVOD_LICENCE = "no licence in the repository; texts are the streaming services' own"

MOVIE_SOURCES = (
    Source(
        "imdb_basics_2000_2024", "movies", "IMDb films of 2000 to 2024: titles, crew ids, ratings", _JIRVING_HOME, IMDB_TERMS,
        IMDB_CITATION, (_JIRVING,), rank=1, upstream=(f"{_IMDB}/title.basics.tsv.gz",),
    ),
    Source(
        "tmdb_jirving", "movies", "TMDB films of 2000 to 2024 with plots", _JIRVING_HOME, TMDB_TERMS, TMDB_CITATION, (_JIRVING,),
        rank=2, upstream=("https://developer.themoviedb.org/",),
    ),
    Source(
        "imdb_basics_2010_2019", "movies", "IMDb films of 2010 to 2019: titles, crew ids, ratings", _FLATIRON_HOME, IMDB_TERMS,
        IMDB_CITATION, (_FLATIRON,), rank=3, upstream=(f"{_IMDB}/title.basics.tsv.gz",),
    ),
    Source(
        "movielens_25m", "movies", "MovieLens 25M films with IMDb and TMDB ids", "https://github.com/andead422/oop_project", GROUPLENS,
        MOVIELENS_CITATION,
        (SourceFile("movies/movielens_25m.tar.zst", "2a2d7f7ca6f3a20816b8b2e1f7253aa2e3882361d17b6b7006b4c5ffc9756b42"),),
        rank=4, upstream=(f"{_GROUPLENS}/ml-25m.zip",),
    ),
    Source(
        "imdb_raedaddala", "movies", "IMDb pages of 1920 to 2025 with cast and plots", "https://github.com/RaedAddala/Scraping-IMDB",
        IMDB_PAGES, IMDB_CITATION,
        (SourceFile("movies/imdb_raedaddala.tar.zst", "bebcc6327d0618926ee4f72e316623eb811a1449b823dc6196a35fffd40c32a8"),),
        rank=5, upstream=("https://www.kaggle.com/datasets/raedaddala/imdb-movies-from-1960-to-2023",),
    ),
    Source(
        "tmdb_jedi", "movies", "TMDB films with cast, crew and characters", "https://github.com/kmv2946/Box-Office-Jedi", TMDB_TERMS,
        TMDB_CITATION, (SourceFile("movies/tmdb_jedi.tar.zst", "aa42635c500bdc17f6c2e729fac565c4323502a245e5f54aba012cccfabb90e8"),),
        rank=6, upstream=("https://developer.themoviedb.org/",),
    ),
    Source(
        "tmdb_flatiron", "movies", "TMDB films of a teaching data set", _FLATIRON_HOME, TMDB_TERMS, TMDB_CITATION, (_FLATIRON,),
        rank=7, upstream=("https://developer.themoviedb.org/",),
    ),
    Source(
        "tmdb_jphmf_2015", "movies", "TMDB films as of 2015", "https://github.com/jphmf/min_web", TMDB_TERMS, TMDB_CITATION,
        (SourceFile("movies/tmdb_jphmf_2015.tar.zst", "cbbe9683a411d78bafbf2c51c2849b33356a34bb1b022c4e6dd412793ed36021"),),
        rank=8, upstream=("https://developer.themoviedb.org/",),
    ),
    Source(
        "omdb_org", "movies", "omdb.org: films with aliases, links, keywords and abstracts", "https://github.com/credativ/omdb-postgresql",
        "CC BY 2.0 DE", "Data from omdb.org, CC BY 2.0 DE (https://creativecommons.org/licenses/by/2.0/de/).",
        (SourceFile("movies/omdb_org.tar.zst", "9248ac1fa3dab4fc728f43b5f751af945038b06dca2f5a5c563d6ce552a73acb"),),
        rank=9, licence_allows_redistribution=True, upstream=(f"{_OMDB}/all_movies.csv.bz2",),
    ),
    Source(
        "timdb_bollywood", "movies", "TIMDB: Hindi films of 1950 to 2019", "https://github.com/pncnmnp/TIMDB",
        "MIT for the repository; texts from Wikipedia and IMDb", "P. Parikh. 2019. TIMDB, The Indian Movie Database.",
        (SourceFile("movies/timdb_bollywood.tar.zst", "7da89ca6782eafafc1547fc34152e1fc00e1076b98809b11947183b5d9316b7f"),),
        rank=10, upstream=("https://github.com/pncnmnp/TIMDB",),
    ),
    Source(
        "wikipedia_prust", "movies", "American films with the lead of their Wikipedia article",
        "https://github.com/prust/wikipedia-movie-data", "MIT for the repository; texts are Wikipedia's, CC BY-SA",
        "Text from the English Wikipedia, CC BY-SA, by its contributors; each film names its article.",
        (SourceFile("movies/wikipedia_prust.tar.zst", "5885d04242d2cae373a446105afffcec3eadf3072d5addc065c455b7c64227af"),),
        rank=11, licence_allows_redistribution=True, upstream=("https://en.wikipedia.org/",),
        official=tuple(
            SourceFile(f"wikipedia/movies-{decade}s.json", urls=(f"{_PRUST}/movies-{decade}s.json",)) for decade in range(1900, 2030, 10)
        ),
    ),
    Source(
        "imdb_ggplot2movies", "movies", "IMDb films up to 2005 from the R package ggplot2movies", "https://github.com/hadley/ggplot2movies",
        "package GPL-3; data are IMDb's", "H. Wickham. 2015. ggplot2movies: Movies Data. R package.",
        (SourceFile("movies/ggplot2movies.tar.zst", "c5c6a21bce10ba263fa97f865d99caeebdbb47906329bc8eae07b46e95fec5d9"),),
        rank=12, upstream=("https://cran.r-project.org/package=ggplot2movies",),
    ),
    Source(
        "imdb_india", "movies", "Indian films from IMDb pages", "https://github.com/Waheed-6907/CodSoft_IMDb_Movie_Ratings", IMDB_PAGES,
        IMDB_CITATION,
        (SourceFile("movies/imdb_movies_india.tar.zst", "2442c3c19be0c1914ee69805267eb409f5e1dfbfb61ac3dd93e0c2ec7e6ba8de"),),
        rank=13, upstream=("https://www.kaggle.com/datasets/adrianmcmahon/imdb-india-movies",),
    ),
    Source(
        "svod_netflix", "movies", "Netflix catalogue", _SVOD_HOME, _SVOD_LICENCE, "Catalogue texts by Netflix.", (_SVOD,), rank=14,
        upstream=("https://www.kaggle.com/datasets/shivamb/netflix-shows",),
    ),
    Source(
        "svod_amazon", "movies", "Amazon Prime Video catalogue", _SVOD_HOME, _SVOD_LICENCE, "Catalogue texts by Amazon.", (_SVOD,), rank=15,
        upstream=("https://www.kaggle.com/datasets/shivamb/amazon-prime-movies-and-tv-shows",),
    ),
    Source(
        "svod_disney", "movies", "Disney+ catalogue", _SVOD_HOME, _SVOD_LICENCE, "Catalogue texts by Disney.", (_SVOD,), rank=16,
        upstream=("https://www.kaggle.com/datasets/shivamb/disney-movies-and-tv-shows",),
    ),
    # Without title.principals, which the reader takes as well, in as little memory: it is the largest of the files, a row per credit
    # of every episode, and the credits to be merged would multiply. Casts come from Wikipedia and omdb.org instead.
    Source(
        "imdb_official", "movies", "IMDb non-commercial data files", "https://developer.imdb.com/non-commercial-datasets/", IMDB_TERMS,
        IMDB_CITATION,
        tuple(
            SourceFile(f"imdb/{name}.tsv.gz", urls=(f"{_IMDB}/{name}.tsv.gz",))
            for name in ("title.basics", "title.ratings", "title.crew", "title.akas", "name.basics")
        ),
        rank=17, upstream=(f"{_IMDB}/", f"{_IMDB}/title.principals.tsv.gz"),
    ),
    Source(
        "movielens_official", "movies", "MovieLens 32M films with IMDb and TMDB ids", "https://grouplens.org/datasets/movielens/",
        GROUPLENS, MOVIELENS_CITATION, (SourceFile("movielens/ml-32m.zip", urls=(f"{_GROUPLENS}/ml-32m.zip",)),),
        rank=18, upstream=(f"{_GROUPLENS}/ml-25m.zip", f"{_GROUPLENS}/ml-latest.zip"),
    ),
    Source(
        "omdb_official", "movies", "omdb.org's own dump, with casts", "https://www.omdb.org/content/Help:DataDownload", "CC BY 2.0 DE",
        "Data from omdb.org, CC BY 2.0 DE (https://creativecommons.org/licenses/by/2.0/de/).",
        tuple(
            SourceFile(f"omdb/{name}.csv.bz2", urls=(f"{_OMDB}/{name}.csv.bz2",))
            for name in (
                "all_movies", "movie_details", "all_movie_aliases_iso", "movie_links", "movie_categories", "movie_keywords",
                "movie_countries", "movie_languages", "all_categories", "category_names", "movie_abstracts_de", "movie_abstracts_en",
                "movie_abstracts_es", "movie_abstracts_fr", "all_casts", "all_people",
            )
        ),
        rank=19, licence_allows_redistribution=True, upstream=(f"{_OMDB}/",),
    ),
    Source(
        "starter", "movies", "The hand-written starter catalogue", "corpus_pipeline/sources/starter", "part of this project",
        "Written for Marquee.", (SourceFile("films.jsonl"),), rank=100, licence_allows_redistribution=True,
    ),
)  # fmt: skip

DIALOGUE_SOURCES = (
    Source(
        "inspired", "dialogues", "INSPIRED: sociable recommendation dialogues", "https://github.com/sweetpeach/Inspired",
        "none stated by the authors", "S. A. Hayati et al. 2020. INSPIRED: Toward Sociable Recommendation Dialog Systems. EMNLP 2020.",
        (
            _INSPIRED_DEV,
            _INSPIRED_TEST,
            SourceFile(
                "dialogues/inspired/unicrs_dbpedia/train_data_dbpedia.jsonl",
                "f185878d61f4cf95036711612befbec2e587b42fcb7bf855fba3af08016e7743",
            ),
            *_HE_INSPIRED,
        ),
        upstream=("https://github.com/sweetpeach/Inspired", HE_2023),
        official=(
            SourceFile("dialogues/inspired/train.tsv", urls=(f"{_INSPIRED}/train.tsv",)), _INSPIRED_DEV, _INSPIRED_TEST, *_HE_INSPIRED,
        ),
    ),
    Source(
        "redial", "dialogues", "ReDial: recommendation dialogues between crowd workers", "https://redialdata.github.io/website/",
        "CC BY 4.0", "R. Li et al. 2018. Towards Deep Conversational Recommendations. NeurIPS 2018. https://arxiv.org/abs/1812.07617",
        (
            SourceFile("dialogues/redial/movies_with_mentions.csv", "0d408daa474ac95b959a739a261dddd997dd800f5ea585da15a434a26187dbb0"),
            SourceFile("dialogues/redial/test_data.jsonl", "d7781750787d104ac005e829cc7e6277d25b14644a223b0c2445aaaded6b19ac"),
            SourceFile("dialogues/redial/train_data_partial.jsonl", "5c6f8d079b5324428559d224a24d73cfa07cd8c107d88dc741072403b086b936"),
            SourceFile(
                "dialogues/redial/train_extra_ievalm_valid_data.jsonl", "69b7cf81d0671c3dd0a1167df2e7e1e51ca76b3edce97022343d68f6974510a1"
            ),
            SourceFile(
                "dialogues/redial/ievalm_redial_id2info.json", "7bdfe9a9c7f1b4d59aa9a5aeba0029071fd5a7232b61c8257212a335ffe424f7"
            ),
            *_HE_REDIAL,
        ),
        licence_allows_redistribution=True,
        upstream=("https://redialdata.github.io/website/", HE_2023),
        official=(
            SourceFile(
                "dialogues/redial/redial_dataset.zip", urls=("https://github.com/ReDialData/website/raw/data/redial_dataset.zip",)
            ),
            *_HE_REDIAL,
        ),
    ),
    Source(
        "he2023", "dialogues", "Test points of He et al. 2023 for INSPIRED, ReDial and Reddit-Movie",
        "https://github.com/AaronHeee/LLMs-as-Zero-Shot-Conversational-RecSys", "none stated; research use", HE_2023,
        (
            SourceFile("dialogues/he2023/data/inspired/test.jsonl", "7b81199fcda6c71ac6efe15c7dc69c5dea43d164d0f05ee49a8015c5c8371bac"),
            SourceFile("dialogues/he2023/data/inspired/entity2id.json", "6ea0f59be9da55a78e2b48eff35928bf62a7232d143eb905d350ed38268583d2"),
            SourceFile("dialogues/he2023/data/inspired/item_ids.json", "6e300dc6b89ab483f1474ee550e94709cdbcd09354928546fa32dc3b48fe12c1"),
            SourceFile("dialogues/he2023/data/redial/test.jsonl", "11e07db4b9178bd778669baf8be02aa4b3e20291cce6a3a89bc510dc9ecb063b"),
            SourceFile("dialogues/he2023/data/redial/entity2id.json", "63353aca481bc9558b502f91cb98f6fa26438796fdd7e0bc06b5a1532126e8b5"),
            SourceFile("dialogues/he2023/data/redial/item_ids.json", "a36efa4ad81f487676e9861f25ec42166e72bfac6eab89500041b1c749ac1a08"),
        ),
    ),
    Source(
        "reddit_movie", "dialogues", "Reddit-Movie: recommendation threads, movies as IMDb ids",
        "https://huggingface.co/datasets/ZhankuiHe/reddit_movie_small_v1", "research use; may contain toxic text", HE_2023,
        (
            SourceFile(
                "dialogues/he2023/data/reddit/entity2id.json", "db5fdde42c425342bcc142f02607e3b3cee88e02bb6883d544691dc21a3eb0e4",
                (f"{_HE}/reddit/entity2id.json",),
            ),
        ),
        upstream=("https://huggingface.co/ZhankuiHe",),
        official=tuple(
            SourceFile(
                f"dialogues/reddit_movie/{name}",
                urls=(f"https://huggingface.co/datasets/ZhankuiHe/reddit_movie_small_v1/resolve/main/{name}",),
            )
            for name in ("train.csv", "valid.csv", "test.csv", "id2name.json")
        ),
    ),
    Source(
        "starter", "dialogues", "The hand-written starter dialogues", "corpus_pipeline/sources/starter", "part of this project",
        "Written for Marquee.", (SourceFile("dialogues.jsonl"),), licence_allows_redistribution=True,
    ),
)  # fmt: skip

_AMAZON = "interactions/amazon_movies"
_ML_1M, _ML_SMALL, _BX = "interactions/ml-1m", "interactions/ml-latest-small", "interactions/bookcrossing"
_BX_CITATION = "C.-N. Ziegler et al. 2005. Improving Recommendation Lists Through Topic Diversification. WWW 2005."
_BX_DUMP = SourceFile("bookcrossing/BX-CSV-Dump.zip", urls=("https://www2.informatik.uni-freiburg.de/~cziegler/BX/BX-CSV-Dump.zip",))

INTERACTION_SOURCES = (
    Source(
        "movielens_1m", "interactions", "MovieLens 1M: a million ratings by 6,040 users", "https://grouplens.org/datasets/movielens/1m/",
        GROUPLENS, MOVIELENS_CITATION,
        (
            SourceFile(f"{_ML_1M}/ml1m_sequences_liked.tsv", "993c8713791d410a3dbfecd26a11955a79e5aa4c4482de0d833e68a1d8e038b2"),
            SourceFile(f"{_ML_1M}/movies.dat", "0140fc2356357c1a851d0f52e893a1e4d3696df632c4141cea8d5bc3d621f0b9"),
            SourceFile(f"{_ML_1M}/users.dat", "1dc3a95300cb19f7c10e027daf29b8cdf1d908dab65b5edfb45950aa389a10a3"),
        ),
        upstream=("https://github.com/yueqirex/LRURec", "https://github.com/statusrank/DPCML"),
        official=(SourceFile("movielens/ml-1m.zip", urls=(f"{_GROUPLENS}/ml-1m.zip",)),), is_official_preferred=True,
    ),
    Source(
        "movielens_small", "interactions", "MovieLens latest-small: 100,836 ratings by 610 users",
        "https://grouplens.org/datasets/movielens/latest/",
        "GroupLens: research use, redistribution under the same conditions, no commercial use", MOVIELENS_CITATION,
        (
            SourceFile(f"{_ML_SMALL}/movies.csv", "5a5f32dd9bb3797b8e728a1b98958789d2b13f294a69fdfbc5727f8a9611aa07"),
            SourceFile(f"{_ML_SMALL}/ratings.csv", "aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646"),
        ),
        licence_allows_redistribution=True, upstream=(f"{_GROUPLENS}/ml-latest-small.zip",),
        official=(SourceFile("movielens/ml-latest-small.zip", urls=(f"{_GROUPLENS}/ml-latest-small.zip",)),),
    ),
    Source(
        "bookcrossing", "interactions", "Book-Crossing: ratings of books", "https://grouplens.org/datasets/book-crossing/",
        "none stated by the authors",
        _BX_CITATION,
        (
            SourceFile(f"{_BX}/BX-Ratings.csv", "8aba7c952d1b24636275a092e81a74ed3800e70b3dbcc81b029050b1b8c3b3ff"),
            SourceFile(f"{_BX}/BX-Books.csv", "f85d360ca6de9147fc1b080eccb3304d92c7034b70319d8540700515d98d85d7"),
            SourceFile(f"{_BX}/BX-Users.csv", "76180f3e7e917213743381c0347049749006ba8cdd1918aa6b051f86dd7d1aa4"),
            SourceFile(f"{_BX}/alt_dimsalm/BX_Book_Ratings.csv", "b6b0c926bcaebf8151a588d6652c83bb17d7e17994c538547d20b4406ef8376a"),
            SourceFile(f"{_BX}/alt_dimsalm/BX_Books.csv", "6eb4f019bd35e0402ef27f06caa87d683c501fc3ff62a833c490a69f57d7c9b1"),
        ),
        upstream=(
            "https://github.com/springtiming/ML-Models-for-Book-Rating-Prediction", "https://github.com/DimSalm/ProjectBigData",
        ),
        official=(_BX_DUMP,), is_official_preferred=True,
    ),
    # Only the official dump has the ratings of 0 that this form is about: no other file stands in for it.
    Source(
        "bookcrossing_implicit", "interactions", "Book-Crossing, code-compatible: a rating of 0 is a dislike",
        "https://grouplens.org/datasets/book-crossing/", "none stated by the authors", _BX_CITATION, (_BX_DUMP,),
    ),
    # No address: the publisher asks for a form to be filled in first. The user lays the files into the mirror.
    Source(
        "amazon_movies", "interactions", "Amazon reviews of 2018, Movies & TV", "https://nijianmo.github.io/amazon/", "research use",
        "J. Ni, J. Li, J. McAuley. 2019. Justifying Recommendations using Distantly-Labeled Reviews and Fine-Grained Aspects. EMNLP 2019.",
        (SourceFile(f"{_AMAZON}/Movies_and_TV.json.gz"), SourceFile(f"{_AMAZON}/meta_Movies_and_TV.json.gz")),
        official=(SourceFile(f"{_AMAZON}/Movies_and_TV_5.json.gz"), SourceFile(f"{_AMAZON}/meta_Movies_and_TV.json.gz")),
    ),
    Source(
        "starter", "interactions", "Viewers made up from the starter dialogues", "corpus_pipeline/sources/starter", "part of this project",
        "Written for Marquee.", (SourceFile("dialogues.jsonl"), SourceFile("films.jsonl")), licence_allows_redistribution=True,
    ),
)  # fmt: skip

SOURCES = MOVIE_SOURCES + DIALOGUE_SOURCES + INTERACTION_SOURCES


def source_named(key: str, kind: str = "") -> Source:
    """The source called `key`, of that kind when one is given ('starter' is all three); KeyError names the nearest keys."""
    found = [source for source in SOURCES if source.key == key and kind in ("", source.kind)]
    if not found:
        raise KeyError(f"no source {key!r}{' of ' + kind if kind else ''} is registered; nearest: {_nearest(key, SOURCES)}")
    return found[0]


def _nearest(key: str, sources: Iterable[Source]) -> str:
    keys = sorted({source.key for source in sources})
    return ", ".join(difflib.get_close_matches(key, keys, cutoff=0.4) or keys)
