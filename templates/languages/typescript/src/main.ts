// Checks the configuration, serves until SIGTERM, leaves in order.
import { Lifecycle, serve } from "./lifecycle.ts";
import { createService } from "./service.ts";
import { ConfigurationError, loadSettings, type Settings } from "./settings.ts";
import { startTelemetry } from "./telemetry.ts";

// sysexits.h: something was found in an unconfigured or misconfigured state.
const EX_CONFIG = 78;

let settings: Settings;
try {
  settings = loadSettings(process.env);
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.error(JSON.stringify({ level: "fatal", message: `configuration is wrong: ${error.message}` }));
  process.exit(EX_CONFIG);
}
const telemetry = startTelemetry(settings);
const lifecycle = new Lifecycle();
const service = createService(settings, lifecycle);
process.exitCode = (await serve(service, settings, lifecycle)) ? 0 : 1;
await telemetry.flush();
process.exit();
