"""The catalogues of the ledger: what losses and optimizers are, whatever frameworks call them."""
