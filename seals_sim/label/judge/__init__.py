"""An automatic judge: a language model that answers rows, with a person who checks its answers."""
