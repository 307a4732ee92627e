"""Which language model there is to ask: whose key is set."""

import os

from config.on_llm import Llm
from config.secret import secret_values
from config.settings import Settings
from platforms.llm.at_work import WorkerLanguageModel
from platforms.llm.port import LanguageModel, Provider
from utils.redact import Redactor
from utils.workers import ProcessWorkers


def language_model(llm: Llm, settings: Settings) -> LanguageModel | None:
    keys: dict[Provider, bool] = {
        "anthropic": bool(settings.anthropic_api_key),
        "openai": bool(settings.openai_api_key),
    }
    usable: list[Provider] = [
        name for name, is_set in keys.items() if is_set and llm.provider in ("auto", name)
    ]
    if not usable:
        return None
    # workers of its own: a training takes minutes
    return WorkerLanguageModel(ProcessWorkers(), usable[0], Redactor(secret_values(os.environ)))
