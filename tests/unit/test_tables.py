import codecs
import csv
from pathlib import Path

import numpy as np
import pytest

from config.monitoring import ModelSpec
from mlops.errors import BadInputError
from mlops.tables import Table, features, fingerprint, is_missing, read_table, sniff, split, write_table
from mlops.tables.splits import moments
from mlops.tables.table import make_table

SHOP = "price,colour,sold\n1.5,red,0\n2,blue,1\n,n/a,1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.csv"


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def values(table: Table, name: str) -> list[float | str | None]:
    return [table.row(place)[name] for place in range(table.rows)]


def spec(task: str = "classification", **changes: object) -> ModelSpec:
    asked = {"name": "m", "task": task, "data": "shop.csv", "target": "sold", **changes}
    return ModelSpec(**asked)  # type: ignore[arg-type] # built from plain words


# --- what is read ----------------------------------------------------------------------------------------------------


def test_numbers_and_categories_are_told_apart(path: Path) -> None:
    table = read_table(written(path, SHOP))
    assert table.kinds == {"price": "number", "colour": "category", "sold": "number"}
    assert values(table, "price") == [1.5, 2.0, None]
    assert values(table, "colour") == ["red", "blue", None]
    assert (table.rows, table.notes) == (3, ())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_delimiter_and_encoding_is_found_and_told(path: Path, delimiter: str, encoding: str) -> None:
    text = SHOP.replace("red", "grün").replace(",", delimiter)
    table = read_table(written(path, text.encode(encoding)))
    assert values(table, "colour") == ["grün", "blue", None]
    assert (table.encoding, table.delimiter) == (encoding, delimiter)
    assert bool(table.notes) == ((encoding, delimiter) != ("utf-8", ","))
    assert fingerprint(table) == fingerprint(read_table(written(path, SHOP.replace("red", "grün"))))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_line_ending_is_read(path: Path, ending: str) -> None:
    assert values(read_table(written(path, SHOP.replace("\n", ending))), "sold") == [0, 1, 1]
    assert values(read_table(written(path, SHOP.replace("\n", ending).removesuffix(ending))), "sold") == [
        0,
        1,
        1,
    ]


@pytest.mark.parametrize("token", ["", "n/a", "N/A", "NA", "na", "NaN", "nan", "NULL", "Null", " NA ", "  "])
def test_each_missing_token_is_missing_in_numbers_and_in_words(path: Path, token: str) -> None:
    table = read_table(written(path, f"a,b\n1,x\n{token},{token}\n3,y\n"))
    assert values(table, "a") == [1, None, 3]
    assert values(table, "b") == ["x", None, "y"]
    assert is_missing(token)


def test_words_that_others_take_for_missing_or_for_truth_stay_words(path: Path) -> None:
    table = read_table(written(path, "a,b\nNone,True\n-,False\n#N/A,true\n"))
    assert values(table, "a") == ["None", "-", "#N/A"]
    assert values(table, "b") == ["True", "False", "true"]


def test_truths_and_endless_numbers_beside_missing_cells_keep_their_values(path: Path) -> None:
    table = read_table(written(path, f"a,b\nTRUE,{'1' * 40}\n,\n"))
    assert values(table, "a") == ["TRUE", None]
    assert values(table, "b") == [float("1" * 40), None]


def test_a_delimiter_that_only_stands_in_a_name_cuts_nothing(path: Path) -> None:
    assert read_table(written(path, "a;b\n1\n2\n")).names == ("a;b",)
    table = make_table({"a;b": np.array(["x;y", "|"], dtype=object)})
    write_table(table, path)
    assert fingerprint(read_table(path)) == fingerprint(table)


def test_a_few_words_among_numbers_count_as_missing_and_are_told(path: Path) -> None:
    table = read_table(written(path, "a\n" + "1\n" * 9 + "ten\n"))
    assert table.kinds["a"] == "number"
    assert np.isnan(table.columns["a"][9])
    assert "column 'a': 1 cells are no numbers and count as missing, such as 'ten'" in table.notes
    assert read_table(written(path, "a\n" + "1\n" * 8 + "ten\n")).kinds["a"] == "category"


def test_a_known_kind_comes_before_the_guess(path: Path) -> None:
    table = read_table(written(path, "a,b\n007,1\n010,x\n"), kinds={"a": "category", "b": "number"})
    assert values(table, "a") == ["007", "010"]
    assert values(table, "b") == [1, None]


def test_infinite_numbers_count_as_missing_and_are_told(path: Path) -> None:
    table = read_table(written(path, "a\n1\ninf\n-Infinity\nNaN\n"))
    assert values(table, "a") == [1, None, None, None]
    assert table.notes == ("column 'a': 2 infinite numbers count as missing",)


def test_numbers_are_read_to_the_last_bit_and_of_any_length(path: Path) -> None:
    numbers = ["0.1", "1e-320", "123456789012345678901234567890", "-2.2250738585072014e-308", "1.", ".5"]
    table = read_table(written(path, "a\n" + "\n".join(numbers) + "\n"))
    assert values(table, "a") == [float(number) for number in numbers]


def test_quotes_delimiters_and_line_ends_inside_cells_are_kept(path: Path) -> None:
    table = read_table(written(path, 'a,b\n"x, y",1\n"say ""no""",2\n"two\nlines",3\n'))
    assert values(table, "a") == ["x, y", 'say "no"', "two\nlines"]


def test_blank_lines_are_no_rows_and_names_lose_the_space_around_them(path: Path) -> None:
    table = read_table(written(path, "\n a , b\n\n1, red\n\n2, blue\n\n"))
    assert table.names == ("a", "b")
    assert values(table, "b") == ["red", "blue"]


def test_one_row_one_column_and_a_column_of_nothing_are_tables(path: Path) -> None:
    assert read_table(written(path, "a\n1\n")).rows == 1
    table = read_table(written(path, "a,b\n1,\n2,NA\n"))
    assert (table.kinds["b"], values(table, "b")) == ("number", [None, None])


def test_only_the_columns_asked_for_are_read_in_the_order_asked(path: Path) -> None:
    table = read_table(written(path, SHOP), columns=("sold", "price"))
    assert table.names == ("sold", "price")
    assert values(table, "price") == [1.5, 2.0, None]


def test_columns_cannot_be_written_to(path: Path) -> None:
    for table in (read_table(written(path, SHOP)), make_table({"price": np.array([1.0])})):
        with pytest.raises(ValueError, match="read-only"):
            table.columns["price"][0] = 3


# --- what is refused -------------------------------------------------------------------------------------------------

REFUSED = {
    "the file is empty": b"",
    "the file is empty; a table needs": b"\n \n",
    "only a header, no rows": b"a,b\n",
    "line 1: two columns are named 'a' (the 1. and the 3.)": b"a,b,a\n1,2,3\n",
    "line 3 has 3 cells where the header has 2": b"a,b\n1,2\n1,2,3\n",
    "line 3 has 1 cells where the header has 2": b"a,b\n1,2\n3",
    "line 4 has 1 cells where the header has 2": b"a,b\n1,2\n\n1\n",
    "line 5 has 1 cells where the header has 2": b'a,b\n"1\n",2\n1,2\n1\n',
    "line 3 holds a null byte": b"a,b\n1,2\n\x00,4\n",
    "line 2 holds a null byte": b"a,b\n\xff\x00,2\n",
    "every cell is missing": b"a,b\n,NA\nnull,\n",
    "not utf-16": codecs.BOM_UTF16_LE + b"a\x00\n\x001\x00\x00\xd8",
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_damaged_file_is_refused_in_one_line_that_names_it(path: Path, what: str) -> None:
    with pytest.raises(BadInputError) as error:
        read_table(written(path, REFUSED[what]))
    assert str(error.value).startswith(f"{path}: ")
    assert what in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_target_is_refused_with_the_name_that_was_meant(path: Path) -> None:
    written(path, SHOP)
    with pytest.raises(BadInputError, match=r"there is no column 'solt'; did you mean \"sold\"\?"):
        read_table(path, target="solt")
    with pytest.raises(BadInputError, match="its columns are price, colour, sold"):
        read_table(path, target="zzz")


def test_a_wrong_delimiter_is_named_where_a_column_is_missed(path: Path) -> None:
    written(path, SHOP.replace(",", "^"))
    with pytest.raises(
        BadInputError, match=r"its only column is 'price\^colour\^sold': is the delimiter one of"
    ):
        read_table(path, target="sold")
    with pytest.raises(BadInputError, match="its only column is"):
        read_table(written(path, SHOP), delimiter=";", target="sold")


def test_a_target_without_a_value_is_refused(path: Path) -> None:
    with pytest.raises(BadInputError, match=r"column 'b': every cell of the target is missing"):
        read_table(written(path, "a,b\n1,\n2,NA\n"), target="b")


def test_ten_thousand_columns_are_refused_but_some_of_them_can_be_read(path: Path) -> None:
    names = [f"c{n}" for n in range(10_000)]
    written(path, ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    with pytest.raises(
        BadInputError, match=r"10,000 columns, at most 4,096 .* the first too many is 'c4096'"
    ):
        read_table(path)
    assert values(read_table(path, columns=("c9999",)), "c9999") == [1]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, what in ((tmp_path / "none.csv", "no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(BadInputError, match=what):
            read_table(path)


def test_a_ragged_line_is_found_wherever_the_pieces_of_a_big_file_end(path: Path) -> None:
    good = "1,2\r\n" * 250_000
    written(path, "abc,b\r\n" + good + "3\r\n" + good)  # a piece of a mebibyte ends between \\r and \\n
    with pytest.raises(BadInputError, match="line 250002 has 1 cells"):
        read_table(path)


# --- what is written -------------------------------------------------------------------------------------------------


def test_a_table_survives_writing_and_reading(path: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    numbers = np.concatenate([rng.normal(size=50) * 10.0 ** rng.integers(-300, 300, 50), [np.nan, 0.1, -0.0]])
    words = np.array(['"', "a,b", "two\nlines", "é", None, *(f"w{n}" for n in range(48))], dtype=object)
    table = make_table({"n": numbers, "w": words, "whole": np.arange(53.0)})
    write_table(table, path)
    again = read_table(path)
    assert fingerprint(again) == fingerprint(table)
    assert path.read_text().splitlines()[1].endswith(",0")
    assert list(tmp_path.iterdir()) == [path]


def test_one_column_of_missing_cells_keeps_its_rows(path: Path) -> None:
    write_table(make_table({"a": np.array([1.0, np.nan, 2.0])}), path)
    assert read_table(path).rows == 3


def test_a_table_may_be_written_where_none_is_and_else_not_at_all(path: Path, tmp_path: Path) -> None:
    for number in (1.0, 2.0):
        write_table(make_table({"a": np.array([number])}), path, replace=False)
    assert values(read_table(path), "a") == [1]
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(BadInputError, match="cannot be written"):
        write_table(make_table({"a": np.array([1.0])}), target)
    assert list(tmp_path.iterdir()) == [target]


# --- fingerprints ----------------------------------------------------------------------------------------------------


def test_the_fingerprint_is_of_what_cells_say_and_not_of_how_it_is_written(path: Path) -> None:
    plain = fingerprint(read_table(written(path, SHOP)))
    other = 'sold;colour;price\r\n0;red;1.50\r\n1;"blue";2.0\r\n1;;NA\r\n'
    assert fingerprint(read_table(written(path, other.encode("utf-16")))) == plain


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1.5", "1.5000000000000002"),
        ("red", "Red"),
        ("1.5", ""),
        ("red", ""),
        ("price", "cost"),
        ("2,blue,1\n", ""),
    ],
)
def test_any_changed_cell_gives_another_fingerprint(path: Path, old: str, new: str) -> None:
    before = fingerprint(read_table(written(path, SHOP)))
    after = fingerprint(read_table(written(path, SHOP.replace(old, new, 1))))
    assert after.content != before.content
    assert before.differences(after)


def test_a_negative_zero_is_zero() -> None:
    one, two = (make_table({"a": np.array([zero, 1.5])}) for zero in (0.0, -0.0))
    assert fingerprint(one) == fingerprint(two)


def test_words_that_join_to_the_same_text_have_different_fingerprints() -> None:
    one, two = (make_table({"a": np.array(words, dtype=object)}) for words in (["ab", "c"], ["a", "bc"]))
    assert fingerprint(one).content != fingerprint(two).content


def test_a_fingerprint_sums_up_each_column(path: Path) -> None:
    columns = fingerprint(read_table(written(path, SHOP))).columns
    assert columns["price"].quantiles == (1.5, 1.625, 1.75, 1.875, 2.0)  # type: ignore[union-attr] # it is of numbers
    assert columns["colour"].most_common == {"blue": 1, "red": 1}  # type: ignore[union-attr] # it is of categories
    assert [summary.missing for summary in columns.values()] == [1, 1, 0]


# --- splits and features ---------------------------------------------------------------------------------------------


def many(rows: int = 100) -> Table:
    return make_table(
        {
            "sold": np.array([float(n % 10 == 0) for n in range(rows)]),
            "at": np.array([f"2026-01-{1 + n % 28:02}T00:00:00Z" for n in range(rows)], dtype=object),
            "Unnamed: 2": np.arange(float(rows)),
            "price": np.arange(float(rows)),
        }
    )


def test_a_split_is_repeatable_whole_and_keeps_the_share_of_each_class() -> None:
    parts = split(many(), spec(), seed=3)
    assert (parts.train.rows, parts.held_out.rows) == (80, 20)
    assert parts.held_out.columns["sold"].sum() == 2
    assert sorted([*parts.train.columns["price"], *parts.held_out.columns["price"]]) == list(range(100))
    again, other = split(many(), spec(), seed=3), split(many(), spec(), seed=4)
    assert (again.held_out.columns["price"] == parts.held_out.columns["price"]).all()
    assert (other.held_out.columns["price"] != parts.held_out.columns["price"]).any()


def test_with_a_time_column_the_newest_rows_are_held_out_and_no_instant_is_torn() -> None:
    parts = split(many(), spec(time_column="at"))
    newest_known = max(parts.train.columns["at"])
    assert newest_known < min(parts.held_out.columns["at"])
    assert 20 <= parts.held_out.rows <= 24


def test_rows_without_a_target_are_in_neither_part() -> None:
    table = many()
    target = table.columns["sold"].copy()
    target[:7] = np.nan
    parts = split(make_table({**table.columns, "sold": target}), spec("regression"))
    assert parts.train.rows + parts.held_out.rows == 93


def test_what_cannot_be_split_is_told() -> None:
    one = make_table({**many().columns, "sold": np.ones(100)})
    with pytest.raises(BadInputError, match="only one class, '1'"):
        split(one, spec())
    with pytest.raises(BadInputError, match="9 rows have a target, at least 10"):
        split(many(9), spec())
    with pytest.raises(BadInputError, match="all rows have the same time"):
        split(make_table({**many().columns, "at": np.ones(100)}), spec(time_column="at"))


def test_a_time_that_is_none_is_named() -> None:
    table = make_table({"at": np.array(["2026-01-01", None, "yesterday"], dtype=object)})
    with pytest.raises(BadInputError, match="column 'at': row 3 holds no time: 'yesterday'"):
        moments(table, "at")


def test_a_model_learns_from_all_columns_but_target_time_ignored_and_unnamed_ones() -> None:
    assert features(spec(), many()) == ("at", "price")
    assert features(spec(time_column="at"), many()) == ("price",)
    assert features(spec(features=("Unnamed: 2",)), many()) == ("Unnamed: 2",)
    with pytest.raises(BadInputError, match="no column is left to learn from"):
        features(spec(ignored=("at", "price")), many())
    with pytest.raises(BadInputError, match="there is no column 'cost'"):
        features(spec(features=("cost",)), many())


def test_the_dialect_of_a_file_is_found_without_reading_it_as_a_table(path: Path) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerows([["a", "b"], ["1,5", "2,5"]])
    assert (sniff(path).encoding, sniff(path).delimiter) == ("utf-8", ";")
