"""Lets MLflow's registry follow the pointer: each kept version is a model version there, champion and challenger are aliases.

The pointer is the truth: what differs is put right here, at once or by the next command that reaches MLflow.
"""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from mlops.errors import BadInputError
from mlops.models.card import Card
from mlops.models.folder import CARD, checked
from mlops.places import Places
from mlops.registry.pointer import Pointer
from mlops.registry.reader import Reader
from mlops.registry.runs import log_run
from mlops.registry.store import StoreError, mlflow_client, uri_of
from utils.disk import OsDisk, replace_file

TAG = "nightwarden.version"
FLAVOR = "mlops.registry.flavor"


class Mirrored(Struct, frozen=True):
    """What MLflow was told last, so that nothing has to be asked where nothing changed."""

    uri: str
    generation: int


def mirror(places: Places, name: str, *, anew: bool = False) -> list[str]:
    """Problems in words, none where MLflow agrees with the pointer. `anew`: ask MLflow even if nothing changed here."""
    pointer = Reader(places, name).pointer()
    wanted = Mirrored(uri_of(places), pointer.generation)
    if pointer.champion is None or (not anew and _last(places, name) == wanted):
        return []
    try:
        with mlflow_client(places) as client:
            problems = _follow(client, places, name, pointer)
    except StoreError as problem:
        return [f"{problem}; its aliases follow at the next command that reaches it"]
    if not problems:
        replace_file(OsDisk(), _record(places, name), msgspec.json.encode(wanted))
    return problems


def _record(places: Places, name: str) -> Path:
    return places.model(name) / "mlflow.json"


def _last(places: Places, name: str) -> Mirrored | None:
    try:
        return msgspec.json.decode(_record(places, name).read_bytes(), type=Mirrored)
    except (OSError, msgspec.DecodeError):
        return None


def _follow(client: Any, places: Places, name: str, pointer: Pointer) -> list[str]:
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    theirs = {
        int(each.tags[TAG]): str(each.version)
        for each in client.search_model_versions(f"name = '{name}'")
        if each.tags.get(TAG, "").isdigit()
    }
    problems = []
    for version in pointer.versions:
        if version not in theirs:
            try:
                theirs[version] = _publish(client, places, name, version)
            except BadInputError as error:
                problems.append(f"version {version} is not in MLflow: {error}")
    aliases = {alias: str(each) for alias, each in client.get_registered_model(name).aliases.items()}
    for alias, meant in (("champion", pointer.champion), ("challenger", pointer.challenger)):
        target = theirs.get(meant) if meant is not None else None
        if target is None and alias in aliases:
            client.delete_registered_model_alias(name, alias)
        elif target is not None and aliases.get(alias) != target:
            client.set_registered_model_alias(name, alias, target)
    return problems


def _publish(client: Any, places: Places, name: str, version: int) -> str:
    """One version with its files, in the run that trained it or a new one; its number in MLflow."""
    from mlflow.exceptions import MlflowException
    from mlflow.pyfunc import save_model

    folder = places.version(name, version)
    card = msgspec.json.decode(checked(folder, inside=places.models)[CARD], type=Card)
    try:
        run = client.get_run(card.run_id) if card.run_id else None
    except MlflowException:  # it was tracked elsewhere
        run = None
    run = run or client.get_run(log_run(client, places, card))
    needed = [f"{library}=={number}" for library, number in card.libraries.items() if library == "numpy"]
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch) / "model"
        save_model(saved, loader_module=FLAVOR, data_path=str(folder), pip_requirements=needed)
        client.log_artifacts(run.info.run_id, str(saved), "model")
    source = f"{run.info.artifact_uri}/model"
    made = client.create_model_version(name, source, run.info.run_id, tags={TAG: str(version)})
    return str(made.version)
