"""What can be heard in a recording: key, tempo, beats, instrument and loudness, each with how sure it is."""
