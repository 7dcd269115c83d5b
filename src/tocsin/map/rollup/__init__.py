"""What members' own figures add up to, published so that no member's figure can be had back."""
