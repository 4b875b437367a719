"""An upload examined before the engine: pure functions that compose the rooms; the steps record what they return."""
