"""What flows between the rooms: table schemas, records, artifact references, configuration, errors."""
