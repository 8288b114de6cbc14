"""What people do here, one folder each: the rules and the port in `service`, the wire in `endpoints`."""
