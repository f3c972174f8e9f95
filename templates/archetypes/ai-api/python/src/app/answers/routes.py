"""The HTTP side of answers."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.answers.prompt import INSTRUCTIONS, chosen, prompt
from app.answers.token_budget import TokenBudget, guessed
from app.dependencies.bedrock.model import Completion, Model
from app.fallback import Fallback
from app.notes.store import Notes
from app.notes.summaries import Usage

MOST_NOTES = 20
STAND_IN = Completion("The question cannot be answered at the moment.", 0, 0, "fallback")


class Question(BaseModel):
    """What a caller asks."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    question: str = Field(min_length=1, max_length=2_000)


class AnswerWithSources(BaseModel):
    """What the model said, and the notes it was given."""

    answer: str
    model: str
    usage: Usage
    stop_reason: str
    sources: list[str]


def answer_routes(store: Notes, model: Model, budget: TokenBudget, most_tokens: int) -> APIRouter:
    """`/v1/answers`."""
    routes = APIRouter(prefix="/v1/answers", tags=["answers"])
    fallback: Fallback[Completion] = Fallback(model.guard)

    @routes.post("", responses={429: {}})
    async def answer(asked: Question) -> AnswerWithSources:
        """Answers a question from the newest notes."""
        notes = chosen(await store.newest(MOST_NOTES))
        text = prompt(asked.question, notes)
        taken = budget.take(guessed(INSTRUCTIONS + text) + most_tokens)
        used = 0
        try:
            said = (await fallback.ask(text, lambda: model.converse(INSTRUCTIONS, text, most_tokens), STAND_IN)).value
            used = said.input_tokens + said.output_tokens
        finally:
            budget.settle(taken, used)
        return AnswerWithSources(
            answer=said.text,
            model=model.model_id,
            usage=Usage(input_tokens=said.input_tokens, output_tokens=said.output_tokens),
            stop_reason=said.stop_reason,
            sources=[note.id for note in notes],
        )

    return routes
