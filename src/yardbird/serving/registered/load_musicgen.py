"""MLflow executes this file to load a registered MusicGen; nothing imports it."""

from yardbird.serving.musicgen_endpoint import ENDPOINT
from yardbird.tracking.pyfunc import serve

serve(ENDPOINT)
