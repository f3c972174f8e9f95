"""How settings are read: from environment variables and nothing else."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Environment(BaseSettings):
    """The base of all settings. Beside it are those of each kind of dependency."""

    model_config = SettingsConfigDict(
        extra="ignore",
        env_ignore_empty=True,
        # A value may be a secret: messages name the variable, never its content.
        hide_input_in_errors=True,
    )
