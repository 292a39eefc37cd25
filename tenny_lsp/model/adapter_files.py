"""Names of the files in an adapter's folder; a base that was fetched has a card too."""

#: The LoRA matrices, as MLX-LM reads them.
WEIGHTS_FILE = "adapters.safetensors"
#: MLX-LM's configuration: the adapted layers, rank and scale.
CONFIG_FILE = "adapter_config.json"
#: Where the adapter comes from: its base, dataset, hyper-parameters and scores.
CARD_FILE = "card.json"
