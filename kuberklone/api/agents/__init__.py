"""The API's side of what agents say and ask; `kuberklone.kinds.reporting` describes the messages."""
