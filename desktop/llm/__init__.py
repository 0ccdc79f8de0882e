"""The Phi language model: weights, tokenizer, generation. torch, no Qt."""
