import pytest
import torch

from rrgraph.errors import ConfigError
from rrgraph.nn import choose_device, half_precision, widest_float


def product_type(precision):
    with half_precision(torch.device("cpu"), precision):
        return (torch.ones(4, 4) @ torch.ones(4, 4)).dtype


def test_auto_takes_a_gpu_when_there_is_one(monkeypatch):
    for available, expected in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda available=available: available)
        assert choose_device("auto").type == expected


def test_a_named_device_is_taken():
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:9999", "cpu:x", "", "meta", "xla", "vulkan"])
def test_unusable_devices_are_refused_with_one_sentence(name):
    with pytest.raises(ConfigError, match="expected auto, cpu, cuda or mps") as caught:
        choose_device(name)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200
    assert f"'{name}'" in str(caught.value)


def test_the_widest_numbers_of_a_device():
    assert [widest_float(torch.device(name)) for name in ("cpu", "cuda", "mps")] == [
        torch.float64,
        torch.float64,
        torch.float32,
    ]


def test_full_precision_stays_at_32_bits(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert product_type("full") == torch.float32


@pytest.mark.parametrize("instructions", ["_is_avx512_bf16_supported", "_is_amx_tile_supported"])
def test_auto_follows_the_instructions_of_the_processor(monkeypatch, instructions):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False)
    assert product_type("auto") == torch.float32
    monkeypatch.setattr(torch.cpu, instructions, lambda: True)
    assert product_type("auto") == torch.bfloat16


def test_the_precision_ends_with_the_context():
    with half_precision(torch.device("cpu"), "auto"):
        pass
    assert (torch.ones(4, 4) @ torch.ones(4, 4)).dtype == torch.float32
