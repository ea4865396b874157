"""What a person types into a Device form to talk to the sandbox. None of it is secret or valid anywhere else."""

HOST = "127.0.0.1"
PORT = 8585
GRAPH_VERSION = "v25.0"

PHONE_NUMBER_ID = "106540352242922"
WABA_ID = "102290129340398"
APP_ID = "670843887433847"
PHONE_NUMBER = "+15550783881"
COUNTRY_CODE = "1"
VERIFIED_NAME = "Sandbox Company"

ACCESS_TOKEN = "EAAsandboxToken"
APP_SECRET = "sandbox-app-secret"
VERIFY_TOKEN = "sandbox-verify-token"
