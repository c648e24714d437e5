"""What every package of the distribution may import; it imports none of them."""
