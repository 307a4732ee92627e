"""Which version of a model is champion and which is challenger; one atomic pointer says so."""
