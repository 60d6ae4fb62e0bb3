"""The security log, the headers of replies, and the proxies that are believed."""
