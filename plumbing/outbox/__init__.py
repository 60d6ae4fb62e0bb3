"""What a store box and the centre exchange: seals and signatures, and an outbox that is delivered once."""
