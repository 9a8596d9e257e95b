"""The SQL that a declared dump stands for: typing film rows, judging them, judging companion rows. Nothing is executed here.

Tables it speaks of: `film` and `raw <companion>` hold upstream strings; `<companion>` the companion's usable rows;
`typed` one row per film row in the schema's types; `verdict` and `checked <companion>` the refused rows; `refused` the quarantine.
"""

from collections.abc import Sequence

from corpus_pipeline.schema.render import literal, quoted, sql_type
from corpus_pipeline.schema.tables import MOVIE_RECORDS
from corpus_pipeline.schema.types import Column
from corpus_pipeline.sources.cells import LISTS, PARSERS
from corpus_pipeline.sources.dump import FILLED_BY_THE_READER, Cell, Companion, Credit, TabularDump, Text
from corpus_pipeline.sources.reading import RAW_TEXT_LIMIT

COLUMNS = tuple(column for column in MOVIE_RECORDS.columns if column.name not in FILLED_BY_THE_READER)
_AUTHORITIES = ("imdb_id", "tmdb_id", "wikidata_id", "movielens_id", "omdb_org_id", "wikipedia_page")
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_IDENTITY = (  # 'fog|1999|90|Ann,Bo'; ids of films without an authority's id hang on this spelling
    "concat_ws('|', lower(title), coalesce(\"year\", 0), coalesce(runtime_minutes, 0), "
    "array_to_string(list_transform(people, lambda p: p.name), ','))"
)
_KIND = "coalesce(kind, CASE WHEN runtime_minutes < 40 THEN 'short' WHEN runtime_minutes >= 40 THEN 'movie' END)"

UNUSABLE_CELLS = (  # of accepted films, by column
    "SELECT name, count(*) FROM (SELECT unnest(unusable) AS name FROM typed t ANTI JOIN verdict v ON t.row = v.row) "
    "GROUP BY name ORDER BY name"
)
EMPTY_REFUSED = "CREATE TABLE refused (file VARCHAR, line BIGINT, reason VARCHAR, raw_text VARCHAR)"


def typed(dump: TabularDump) -> str:
    """CREATE TABLE typed: row, file, line, every schema column, `unusable` (names of cells set to null), `declared` reason.

    Inside out: the cells, each trimmed once; what they say; what lies within bounds; what follows from it.
    """
    cells = ", ".join(f"{value} AS {cell}" for cell, value in _cells(dump).items())
    parsing = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in _expressions(dump).items())
    bounding = ", ".join(f"{_bounded(column, _parsed_value(column, dump))} AS {quoted(column.name)}" for column in COLUMNS)
    no_votes = ", ".join(f"CASE WHEN {site}_vote_count = 0 THEN NULL ELSE {site}_rating END AS {site}_rating" for site in ("imdb", "tmdb"))
    record_id = "record_id" if "record_id" in dump.columns else f"md5({_IDENTITY})"
    passing = ", ".join([*_cells(dump), *(quoted(f"people.{i}") for i in range(len(dump.credits)))])
    return (
        f"CREATE TABLE typed AS SELECT * EXCLUDE ({passing}) REPLACE ({record_id} AS record_id, {_KIND} AS kind, {no_votes}), "
        f"{_unusable(dump)} AS unusable FROM (SELECT * REPLACE ({bounding}) FROM (SELECT *, {parsing} FROM ("
        f"SELECT film.rowid AS row, film.file, film.line, {_declared_reason(dump)} AS declared, {cells} FROM film {_joins(dump)})))"
    )


def verdict(dump: TabularDump) -> str:
    """CREATE TABLE verdict: row and reason of every film row that is refused. Rows lie in order of file and line."""
    identity = "WHEN list_contains(unusable, 'record_id') THEN 'bad_id' WHEN record_id IS NULL THEN 'missing_id'"
    anonymous = " AND ".join(f"{quoted(name)} IS NULL" for name in _AUTHORITIES)
    return (
        "CREATE TABLE verdict AS WITH judged AS MATERIALIZED (SELECT row, record_id, CASE WHEN declared IS NOT NULL THEN declared "
        f"WHEN title IS NULL AND {'record_id IS NOT NULL' if 'record_id' in dump.columns else 'true'} THEN 'missing_title' {identity} "
        f"WHEN regexp_matches(title, {literal(_CONTROL)}) THEN 'control_characters' "
        f"WHEN list_contains(unusable, 'year') AND {anonymous} THEN 'bad_year' END AS reason FROM typed), "
        f"repeated AS ({_repeated('record_id', 'judged WHERE reason IS NULL')}) "
        "SELECT row, coalesce(reason, CASE WHEN row > first THEN 'duplicate_id' END) AS reason "
        "FROM judged LEFT JOIN repeated USING (record_id) WHERE reason IS NOT NULL OR row > first"
    )


def films(source: str) -> str:
    """SELECT of the accepted films in the schema's columns."""
    cells = {column.name: f"t.{quoted(column.name)}" for column in MOVIE_RECORDS.columns} | {"source": literal(source)}
    chosen = ", ".join(f"CAST({cells[c.name]} AS {sql_type(c.field.type)}) AS {quoted(c.name)}" for c in MOVIE_RECORDS.columns)
    return f"SELECT {chosen} FROM typed t ANTI JOIN verdict v ON t.row = v.row ORDER BY record_id"


def checked_companion(name: str, companion: Companion) -> str:
    """CREATE TABLE 'checked <name>': row and reason of every row that is unusable."""
    filled = [f"{quoted(n)} IS NOT NULL AND try_cast({quoted(n)} AS DOUBLE) IS NULL" for n in companion.numbers]
    is_bad = " OR ".join(f"({test})" for test in filled) or "false"
    keyed = f"SELECT rowid AS row, clean({quoted(companion.key)}) AS key, {is_bad} AS is_bad FROM {quoted('raw ' + name)}"
    repeated = _repeated("key", "keyed") if companion.is_unique else "SELECT NULL AS key, NULL AS first WHERE false"
    return (
        f"CREATE TABLE {quoted('checked ' + name)} AS WITH keyed AS ({keyed}), repeated AS ({repeated}) SELECT row, "
        "CASE WHEN k.key IS NULL THEN 'missing_id' WHEN is_bad THEN 'bad_number' ELSE 'duplicate_id' END AS reason "
        "FROM keyed k LEFT JOIN repeated r ON k.key = r.key WHERE k.key IS NULL OR is_bad OR row > first"
    )


def _repeated(key: str, rows: str) -> str:
    """SELECT of each key that comes more than once, and the first row with it: few, where numbering all rows would sort them."""
    return f"SELECT {key}, min(row) AS first FROM {rows} GROUP BY {key} HAVING count(*) > 1"


def usable_companion(name: str, companion: Companion) -> str:
    """CREATE VIEW '<name>' of the companion's rows without a reason, keys trimmed."""
    return (
        f"CREATE VIEW {quoted(name)} AS SELECT r.* REPLACE (clean({quoted(companion.key)}) AS {quoted(companion.key)}) "
        f"FROM {quoted('raw ' + name)} r ANTI JOIN {quoted('checked ' + name)} c ON r.rowid = c.row"
    )


def film_keys(dump: TabularDump) -> str:
    """CREATE TABLE film_keys: each key companions may refer to, and whether its film was accepted or out of scope."""
    return (
        f"CREATE TABLE film_keys AS SELECT clean(f.{quoted(dump.key)}) AS key, bool_or(v.reason IS NULL) AS is_accepted, "
        "bool_or(v.reason = 'out_of_scope') AS is_out_of_scope FROM film f LEFT JOIN verdict v ON f.rowid = v.row GROUP BY 1"
    )


def orphans(name: str, companion: Companion) -> str:
    """INSERT into 'checked <name>' of the other rows whose film was not accepted."""
    return (
        f"INSERT INTO {quoted('checked ' + name)} SELECT r.rowid, CASE WHEN k.is_out_of_scope THEN 'out_of_scope' ELSE 'orphan' END "
        f"FROM {quoted('raw ' + name)} r LEFT JOIN film_keys k ON clean(r.{quoted(companion.key)}) = k.key "
        f"ANTI JOIN {quoted('checked ' + name)} c ON r.rowid = c.row WHERE k.is_accepted IS NOT TRUE"
    )


def refuse(raw: str, verdicts: str, *, columns: Sequence[str], delimiter: str) -> str:
    """INSERT of every row of `raw` that `verdicts` refuses; the raw text is the cells joined again."""
    cells = ", ".join(f"coalesce(r.{quoted(column)}, '')" for column in columns)
    return (
        f"INSERT INTO refused SELECT r.file, r.line, v.reason, left(concat_ws({literal(delimiter)}, {cells}), {RAW_TEXT_LIMIT}) "
        f"FROM {quoted(verdicts)} v JOIN {quoted(raw)} r ON r.rowid = v.row"
    )


def _parts(dump: TabularDump) -> tuple[Cell | Credit | Text, ...]:
    return (*dump.columns.values(), *dump.credits, *dump.plots, *dump.alternative_titles)


def _cells(dump: TabularDump) -> dict[str, str]:
    """The SQL of every cell that is read, by the name the parsers know it by."""
    return {_cell(part): part.upstream if part.parser == "sql" else f"clean({_column(part.upstream)})" for part in _parts(dump)}


def _cell(part: Cell | Credit | Text) -> str:
    return quoted(f"{'sql' if part.parser == 'sql' else 'cell'} {part.upstream}")


def _column(upstream: str) -> str:
    """The SQL of an upstream column: of the film, or of a companion when it is named before a dot."""
    table, _, column = upstream.rpartition(".")
    return f"{quoted(table or 'film')}.{quoted(column)}"


def _parsed(part: Cell | Credit | Text) -> str:
    return PARSERS[part.parser](_cell(part))


def _expressions(dump: TabularDump) -> dict[str, str]:
    given = {name: _parsed(cell) for name, cell in dump.columns.items()}
    for name, texts in (("plots", dump.plots), ("alternative_titles", dump.alternative_titles)):
        if texts:
            given[name] = _joined([_texts(text, name) for text in texts] + [e for n, e in given.items() if n == name])
    credits = {f"people.{i}": _credits(credit) for i, credit in enumerate(dump.credits)}
    return {column.name: given.get(column.name, "NULL") for column in COLUMNS} | credits


def _parsed_value(column: Column, dump: TabularDump) -> str:
    """The column as parsed; people are the credits of every role, then those of a `people` cell."""
    if column.name != "people" or not dump.credits:
        return quoted(column.name)
    return _joined([quoted(f"people.{i}") for i in range(len(dump.credits))] + ["people"] * ("people" in dump.columns))


def _joined(lists: Sequence[str]) -> str:
    if len(lists) == 1:
        return lists[0]
    return f"filled(list_concat({', '.join(f'coalesce({each}, [])' for each in lists)}))"


def _credits(credit: Credit) -> str:
    return f"{'id_credits' if credit.are_ids else 'named_credits'}({_parsed(credit)}, {literal(credit.role)})"


def _texts(text: Text, column: str) -> str:
    texts = f"single({_cell(text)})" if text.parser == "one" else f"cleaned({_parsed(text)})"
    language, region = (literal(tag) if tag else "NULL" for tag in (text.language, text.region))
    return f"plotted({texts}, {language})" if column == "plots" else f"titled({texts}, {language}, {region})"


def _unusable(dump: TabularDump) -> str:
    """The list of columns whose filled cell gave null. Few rows have one, and only those pay for the list."""
    parts: dict[str, Cell | Credit] = {**dump.columns, **{f"people.{i}": credit for i, credit in enumerate(dump.credits)}}
    tests = {n: f"({quoted(n)} IS NULL AND {_is_filled(part)})" for n, part in parts.items() if part.parser not in ("text", "sql")}
    names = ", ".join(f"CASE WHEN {test} THEN {literal(name)} END" for name, test in tests.items())
    any_test = " OR ".join(tests.values()) or "false"
    return f"CASE WHEN {any_test} THEN list_filter([{names or 'NULL'}]::VARCHAR[], lambda x: x IS NOT NULL) ELSE []::VARCHAR[] END"


def _is_filled(part: Cell | Credit) -> str:
    """An empty list ('[]') and a running time of 0 say that the source does not know; they are not unusable."""
    cell = _cell(part)
    if part.parser in LISTS:
        return rf"coalesce(regexp_matches({cell}, '[\pL\pN]'), false)"
    return f"coalesce({cell} NOT IN ('0', '0.0'), false)" if part.parser == "minutes" else f"{cell} IS NOT NULL"


def _bounded(column: Column, name: str) -> str:
    """The value if it lies within the bounds the schema declares, else null, in the schema's type."""
    field = column.field
    tests = [f"{name} >= {field.minimum}"] * (field.minimum is not None) + [f"{name} <= {field.maximum}"] * (field.maximum is not None)
    tests += [f"{name} IN ({', '.join(map(literal, field.values))})"] * bool(field.values)
    value = f"CASE WHEN {' AND '.join(tests)} THEN {name} END" if tests else name
    return f"CAST({value} AS {sql_type(field.type)})"


def _declared_reason(dump: TabularDump) -> str:
    if not dump.refuse:
        return "NULL::VARCHAR"
    return "CASE " + " ".join(f"WHEN {test} THEN {literal(code)}" for code, test in dump.refuse.items()) + " END"


def _joins(dump: TabularDump) -> str:
    keys = {n: c.key for n, c in dump.companions.items() if c.is_unique and not c.is_lookup} | dict.fromkeys(dump.derived, "key")
    film_key = f"clean(film.{quoted(dump.key)})"
    return " ".join(f"LEFT JOIN {quoted(name)} ON {quoted(name)}.{quoted(key)} = {film_key}" for name, key in keys.items())
