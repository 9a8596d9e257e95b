"""What a cell means: small named parsers from upstream text to a typed SQL expression. No file and no source is named here.

A parser is a function from a SQL expression (VARCHAR, null when empty) to a SQL expression; an unusable text gives null,
never an error. List parsers give null for an empty list. `MACROS` must have been run on the connection.
"""

from collections.abc import Callable

# Python writes a string with single quotes unless it holds one and no double quote; it escapes with \\ \' \n \r \t \xHH
# \uHHHH \UHHHHHHHH. The escapes are turned into JSON's, and JSON decodes them. \U stands only for unprintable
# characters beyond the BMP (language tags in flags); JSON cannot say it, so it is dropped. A list without any double quote
# or backslash, nearly all of them, is split at its separators instead, which costs a third.
# `clean` is `trimmed` for a plain column: `trim` walks through every character of a text, which costs fifteen times the look at both ends.
# `single` is `cleaned([x])` of a clean text: one of ASCII alone has no blanks left to trim.
# `gathered` sorts each group's list after gathering it: list(x ORDER BY y) costs five times as much with many small groups.
MACROS = r"""
CREATE OR REPLACE MACRO trimmed(x) AS nullif(trim(x, ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '');
CREATE OR REPLACE MACRO clean(x) AS CASE WHEN starts_with(x, ' ') OR starts_with(x, chr(9)) OR starts_with(x, chr(10)) OR
    starts_with(x, chr(13)) OR starts_with(x, chr(160)) OR ends_with(x, ' ') OR ends_with(x, chr(9)) OR ends_with(x, chr(10)) OR
    ends_with(x, chr(13)) OR ends_with(x, chr(160)) THEN trimmed(x) ELSE nullif(x, '') END;
CREATE OR REPLACE MACRO filled(l) AS list_filter([l], lambda x: len(x) > 0)[1];
CREATE OR REPLACE MACRO cleaned(l) AS filled(list_filter(list_transform(l, lambda x: trim(x)), lambda x: x <> ''));
CREATE OR REPLACE MACRO bare(x) AS CASE WHEN strlen(x) = length(x) THEN x ELSE trim(x) END;
CREATE OR REPLACE MACRO single(x) AS CASE WHEN bare(x) <> '' THEN [bare(x)] END;
CREATE OR REPLACE MACRO json_escapes(t) AS replace(replace(regexp_replace(regexp_replace(replace(replace(replace(
    t, '\\', chr(1)), '\''', ''''), '\"', '"'), '\\x([0-9a-f]{2})', '\\u00\1', 'g'), '\\U[0-9a-f]{8}', '', 'g'),
    '"', '\"'), chr(1), '\\');
CREATE OR REPLACE MACRO python_string(t) AS
    CASE WHEN contains(t, '\') THEN coalesce(TRY(json_extract_string('"' || json_escapes(t[2:-2]) || '"', '$')), t[2:-2]) ELSE t[2:-2] END;
CREATE OR REPLACE MACRO python_strings(x) AS cleaned(CASE
    WHEN NOT (contains(x, '\') OR contains(x, '"')) AND starts_with(x, '[''') AND ends_with(x, ''']') THEN string_split(x[3:-3], ''', ''')
    WHEN NOT contains(x, '\') THEN list_transform(regexp_extract_all(x, '''[^'']*''|"[^"]*"'), lambda t: t[2:-2])
    ELSE list_transform(regexp_extract_all(x, '(?s)''(?:[^''\\]|\\.)*''|"(?:[^"\\]|\\.)*"'), lambda t: python_string(t)) END);
CREATE OR REPLACE MACRO python_names(x) AS cleaned(list_transform(
    regexp_extract_all(x, '(?s)''name'': (''(?:[^''\\]|\\.)*''|"(?:[^"\\]|\\.)*")', 1), lambda t: python_string(t)));
CREATE OR REPLACE MACRO imdb_title_id(digits) AS 'tt' || lpad(nullif(digits, ''), greatest(7, length(digits))::INTEGER, '0');
CREATE OR REPLACE MACRO once(l) AS list_transform([l], lambda v: list_filter(v, lambda x, i: list_position(v, x) = i))[1];
CREATE OR REPLACE MACRO gathered(place, value) AS list_transform(
    list_sort(list(struct_pack(place := place, value := value))), lambda s: s.value);
CREATE OR REPLACE MACRO credit(person_name, role, place, person_id) AS struct_pack(
    name := person_name::VARCHAR, role := role, "position" := place::INTEGER, "character" := NULL::VARCHAR,
    imdb_person_id := person_id::VARCHAR);
CREATE OR REPLACE MACRO once_like(l, pattern) AS filled(list_transform([l], lambda v: list_filter(v,
    lambda x, i: list_position(v, x) = i AND regexp_matches(x, pattern)))[1]);
CREATE OR REPLACE MACRO named_credits(l, role) AS list_transform(once_like(l, '\pL'), lambda x, i: credit(x, role, i, NULL));
CREATE OR REPLACE MACRO id_credits(l, role) AS list_transform(
    once_like(l, '^nm[0-9]{7,}$'), lambda x, i: credit(NULL, role, i, x));
CREATE OR REPLACE MACRO titled(l, lang, reg) AS list_transform(l, lambda x: struct_pack(
    title := x, language := lang::VARCHAR, region := reg::VARCHAR));
CREATE OR REPLACE MACRO plotted(l, lang) AS list_transform(l, lambda x: struct_pack("text" := x, language := lang::VARCHAR));
"""

_MOVED = "The|A|An|La|Le|Les|Un|Une|El|Los|Las|Una|Il|Lo|I|Gli|Der|Die|Das|Ein|Eine|O|Os|As|Um|Uma|De|Het|Een|Den|Det|En|Ett|Et|Al"


def _minutes(x: str) -> str:
    """'175', '175.0', '99 min', '1h 28m', '2h', '45m'; anything else is unusable ('1 Season')."""
    hours = rf"coalesce(try_cast(regexp_extract({x}, '^([0-9]+)h', 1) AS INTEGER), 0) * 60"
    rest = rf"coalesce(try_cast(regexp_extract({x}, '([0-9]+)m$', 1) AS INTEGER), 0)"
    plain = rf"round(try_cast(regexp_extract({x}, '^([0-9]+(?:\.[0-9]+)?)(?: min)?$', 1) AS DOUBLE))"
    return rf"CASE WHEN regexp_matches({x}, '^(?:[0-9]+h ?)?(?:[0-9]+m)?$') THEN {hours} + {rest} ELSE {plain} END"


def _count(x: str) -> str:
    """'6,466', '1.2M', '180K', '88417'; a sum of money ('$5.16M') is unusable."""
    number = rf"try_cast(replace(regexp_extract({x}, '^([0-9][0-9,]*(?:\.[0-9]+)?)[KM]?$', 1), ',', '') AS DOUBLE)"
    return f"round({number} * CASE right({x}, 1) WHEN 'K' THEN 1e3 WHEN 'M' THEN 1e6 ELSE 1 END)"


def _imdb_id(x: str) -> str:
    """'tt0063540', '0063540', '63540' or a title page's URL, as 'tt' and at least seven digits."""
    usual = rf"nullif(regexp_extract({x}, '^https://www\.imdb\.com/title/tt([0-9]+)(?:$|[/?])', 1), '')"  # anchored: five times as fast
    page = f"coalesce({usual}, nullif(regexp_extract({x}, '(?:^|/)tt([0-9]+)(?:$|[/?])', 1), ''))"
    spelled = f"imdb_title_id(ltrim(coalesce({page}, regexp_extract({x}, '^[0-9]+$')), '0'))"
    return f"CASE WHEN regexp_full_match({x}, 'tt([0-9]{{7}}|[1-9][0-9]{{7,}})') AND {x} <> 'tt0000000' THEN {x} ELSE {spelled} END"


def moved_article(x: str) -> str:
    """'Lion King, The' as 'The Lion King'; an elided article takes no space ('Avventura, L'')."""
    plain = rf"regexp_replace({x}, '(?i)^(.*\S), ({_MOVED})$', '\2 \1')"
    return rf"regexp_replace({plain}, '(?i)^(.*\S), (L''|L’|D'')$', '\2\1')"


_NO_YEAR = r"trim(regexp_replace({x}, '\s*\((\d{{4}})(?:\s*[-–]\s*(?:\d{{4}})?)?\)\s*$', ''))"


def _title_before_brackets(x: str) -> str:
    """MovieLens: 'Seven (a.k.a. Se7en) (1995)' as 'Seven', 'Lion King, The (1994)' as 'The Lion King'."""
    bare = rf"coalesce(trimmed(regexp_replace({_NO_YEAR.format(x=x)}, '(?:\s*\([^()]*\))+$', '')), nullif({_NO_YEAR.format(x=x)}, ''))"
    return moved_article(bare)


def _titles_in_brackets(x: str) -> str:
    """MovieLens: the titles in the brackets before the year, without 'a.k.a.', articles moved back."""
    tail = rf"regexp_extract({_NO_YEAR.format(x=x)}, '\S((?:\s+\([^()]*\))+)$', 1)"
    inside = rf"regexp_extract_all({tail}, '\((?:a\.?k\.?a\.? ?)?([^()]*)\)', 1)"
    return f"cleaned(list_transform({inside}, lambda t: {moved_article('t')}))"


def _year_in_brackets(x: str) -> str:
    return rf"try_cast(regexp_extract({x}, '\((\d{{4}})(?:\s*[-–]\s*(?:\d{{4}})?)?\)\s*$', 1) AS INTEGER)"


def _flag(x: str) -> str:
    return f"CASE lower({x}) WHEN 'true' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN '0' THEN false END"


def _split_at(mark: str) -> Callable[[str], str]:
    return lambda x: f"cleaned(string_split({x}, '{mark}'))"


PARSERS: dict[str, Callable[[str], str]] = {
    "text": lambda x: x,
    "sql": lambda x: x,
    "integer": lambda x: rf"try_cast(regexp_extract({x}, '^([0-9]+)(?:\.0+)?$', 1) AS BIGINT)",
    "real": lambda x: f"try_cast({x} AS DOUBLE)",
    "year": lambda x: f"try_cast(regexp_extract({x}, '(?:^|[^0-9])([0-9]{{4}})(?:[^0-9]|$)', 1) AS INTEGER)",
    "minutes": _minutes,
    "count": _count,
    "flag": _flag,
    "imdb_id": _imdb_id,
    "wikidata_id": lambda x: f"nullif(regexp_extract({x}, '^Q[1-9][0-9]*$'), '')",
    "wikipedia_page": lambda x: f"trimmed(url_decode(regexp_replace({x}, '^https?://en\\.(?:m\\.)?wikipedia\\.org/wiki/', '')))",
    "one": lambda x: f"[{x}]",
    "comma_list": _split_at(","),
    "pipe_list": _split_at("|"),
    "semicolon_list": _split_at(";"),
    "python_list": lambda x: f"python_strings({x})",
    "python_names": lambda x: f"python_names({x})",
    "moved_article": moved_article,
    "rank_prefix": lambda x: rf"trimmed(regexp_replace({x}, '^\d+\. ', ''))",
    "title_before_brackets": _title_before_brackets,
    "titles_in_brackets": _titles_in_brackets,
    "year_in_brackets": _year_in_brackets,
}
LISTS = frozenset({"one", "comma_list", "pipe_list", "semicolon_list", "python_list", "python_names", "titles_in_brackets", "sql"})


def parsed(parser: str, cell: str) -> str:
    """The SQL of `parser` applied to the trimmed `cell`; `sql` cells are expressions already."""
    return cell if parser == "sql" else PARSERS[parser](f"clean({cell})")


def credited_ids(role: str, ids: str, *, separator: str, film: str, lookup: str, columns: tuple[str, str]) -> str:
    """SELECT of (key, people) from a column of person ids in billing order ('crew.directors'), with names where known.

    `film` is the companion's film id; `columns` are the lookup's id and name.
    """
    table, _, column = ids.rpartition(".")
    listed = f"string_split({column}, '{separator}')"
    return (
        f"SELECT key, gathered(place, credit(n.{columns[1]}, '{role}', place, id)) AS people FROM (SELECT {film} AS key, "
        f"unnest({listed}) AS id, generate_subscripts({listed}, 1) AS place FROM {table} WHERE {column} IS NOT NULL) "
        f"LEFT JOIN {lookup} n ON n.{columns[0]} = id WHERE regexp_matches(id, '^nm[0-9]{{7,}}$') GROUP BY key"
    )
