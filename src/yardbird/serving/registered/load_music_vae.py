"""MLflow executes this file to load a registered MusicVAE; nothing imports it."""

from yardbird.serving.music_vae_endpoint import ENDPOINT
from yardbird.tracking.pyfunc import serve

serve(ENDPOINT)
