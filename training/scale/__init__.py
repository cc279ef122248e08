"""Training of the scale models: small networks of the libraries' own classes, taught by procedural rooms."""
