"""The vocabulary in which tables are declared: `Field`, `Column`, `Table`. No table and no column is declared here."""

from dataclasses import dataclass
from dataclasses import field as default

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Field:
    """One quantity, declared once: the same name, type and meaning wherever it appears.

    `values` closes the set of allowed strings; `minimum` and `maximum` bound numbers (both inclusive).
    """

    name: str
    type: pa.DataType
    description: str
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A field as one table uses it."""

    field: Field
    nullable: bool = False

    @property
    def name(self) -> str:
        return self.field.name


def columns(*required: Field) -> tuple[Column, ...]:
    """Columns that always have a value."""
    return tuple(Column(field) for field in required)


def nullable(*optional: Field) -> tuple[Column, ...]:
    """Columns that may be empty."""
    return tuple(Column(field, nullable=True) for field in optional)


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: `columns` of this table are found in `target_columns` of `table`."""

    columns: tuple[str, ...]
    table: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """An ordered list of columns with a primary key; rows rest on disk sorted by `key`."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: tuple[Reference, ...] = default(default=())

    @property
    def layer(self) -> str:
        return self.name.split("_", 1)[0]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def __post_init__(self) -> None:
        missing = [name for name in self.key if name not in self.column_names]
        missing += [name for reference in self.references for name in reference.columns if name not in self.column_names]
        if missing:
            raise ValueError(f"table {self.name}: key or reference names undeclared columns {missing}")
