"""Getting data sets and pretrained weights: a catalogue, a download that is verified and goes on, safe unpacking."""
