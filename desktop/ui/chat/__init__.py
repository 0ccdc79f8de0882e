"""The conversation pane: transcript, composer, look inside, models, sampling. Imports Qt, no torch."""
