"""The cache of self-attention for decoding one step at a time."""

from typing import Any

from torch import Tensor
from transformers.cache_utils import DynamicLayer


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
    """Keys and values of a layer, in memory that doubles when it is full. Its parent copies them at every step."""

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append positions, (rows, heads, new positions, width). Return all positions."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._room = [states[:, :, :0] for states in (key_states, value_states)]
        start = self.get_seq_length()
        stop = start + key_states.shape[2]
        if stop > self._room[0].shape[2]:
            for place, states in enumerate((key_states, value_states)):
                shape = (*states.shape[:2], 2 * stop, states.shape[3])
                larger = states.new_empty(shape)
                larger[:, :, :start] = self._room[place][:, :, :start]
                self._room[place] = larger
        for room, states in zip(self._room, (key_states, value_states), strict=True):
            room[:, :, start:stop] = states
        self.keys, self.values = (room[:, :, :stop] for room in self._room)
        return self.keys, self.values
