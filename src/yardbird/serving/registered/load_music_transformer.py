"""MLflow executes this file to load a registered Music Transformer; nothing imports it."""

from yardbird.serving.music_transformer_endpoint import ENDPOINT
from yardbird.tracking.pyfunc import serve

serve(ENDPOINT)
