"""`python3 -m app`: checks the configuration, serves until SIGTERM, leaves in order."""

import logging
import sys

from app.lifecycle import Lifecycle, serve
from app.logs import configure_logging
from app.service import create_app
from app.settings import ConfigurationError, load_settings
from app.telemetry import Telemetry

EX_CONFIG = 78  # sysexits.h: something was found in an unconfigured or misconfigured state


def main() -> int:
    """The exit status of the process."""
    configure_logging("INFO", release="")
    try:
        settings = load_settings()
    except ConfigurationError as error:
        logging.getLogger("app").critical("configuration is wrong: %s", error)
        return EX_CONFIG
    configure_logging(settings.log_level, settings.release)
    telemetry = Telemetry(settings)
    lifecycle = Lifecycle()
    app = create_app(settings, lifecycle, telemetry)
    started = serve(app, settings, lifecycle)
    telemetry.flush(seconds=1.0)
    return 0 if started else 1


if __name__ == "__main__":
    sys.exit(main())
