"""The transport ``http``: home serves signed addresses, the other side fetches and pushes."""
