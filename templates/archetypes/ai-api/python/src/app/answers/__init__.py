"""Questions about the notes, answered by a model."""

from app.answers.routes import answer_routes
from app.answers.token_budget import TokenBudget
from app.dependencies.bedrock.model import Model
from app.parts import Parts


def install(parts: Parts) -> None:
    """Adds answers, given by the first model there is."""
    model = next(one for one in parts.dependencies if isinstance(one, Model))
    budget = TokenBudget(parts.settings.tokens_per_minute)
    parts.routers.append(answer_routes(parts.notes, model, budget, parts.settings.max_output_tokens))
