"""The exercises of *Dive into Deep Learning*, section 3.5, written once for all frameworks."""
