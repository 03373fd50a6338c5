"""Devices: how one is chosen, that none needs double precision, and what is said of others."""

import pytest
import torch
from mps_kit import OnMPS, on_mps, without_doubles
from training_kit import conv_net, images, small_config

import resattn
from resattn import probes
from resattn.training import devices, evaluate, fit
from resattn.training.distributed import join


@pytest.fixture
def machine(monkeypatch):
    """A function that pretends a machine: how many CUDA GPUs it has, and whether an Apple one."""

    def pretend(gpus: int, apple: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)

        def compute(device):
            if str(device) not in devices.devices_here():
                raise RuntimeError(f"no {device}")

        monkeypatch.setattr(devices, "_compute_on", compute)

    return pretend


@pytest.mark.parametrize(
    ("gpus", "apple", "chosen"),
    [(0, False, "cpu"), (0, True, "mps"), (1, False, "cuda:0"), (2, True, "cuda:0")],
)
def test_auto_takes_cuda_then_mps_then_the_cpu(machine, gpus, apple, chosen):
    machine(gpus, apple)
    assert str(devices.resolve_device("auto")) == chosen


def test_each_process_has_the_gpu_of_its_number(machine):
    machine(2, False)
    assert str(devices.resolve_device("auto", local_rank=1)) == "cuda:1"
    assert str(devices.resolve_device("cuda", local_rank=1)) == "cuda:1"
    assert str(devices.resolve_device("cuda:0", local_rank=1)) == "cuda:0"
    with pytest.raises(ValueError, match="'cuda' here.* cuda:0, cuda:1; start one process per GPU"):
        devices.resolve_device("cuda", local_rank=2)


@pytest.mark.parametrize(
    "name", ["mps", "xpu", "meta", "privateuseone", "cuda:7", "warp", "", None, 99, "cpu,cuda"]
)
def test_a_device_that_is_not_here_becomes_one_sentence(machine, name, monkeypatch):
    if name == "cuda:7" or name == 99 or torch.backends.mps.is_available():
        machine(0, False)
    with pytest.raises(ValueError) as caught:
        fit(conv_net(), images(9, seed=1), images(9, seed=2), small_config(), device=name)
    said = str(caught.value)
    assert said.startswith(f"there is no device {str(name)!r} here; choose 'auto' or one of cpu")
    assert "\n" not in said


def test_several_processes_do_not_share_an_apple_gpu(machine, monkeypatch):
    machine(0, True)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="2 processes cannot train together on 'mps'"):
        join("mps")


def test_training_and_evaluation_need_no_double_precision(tmp_path):
    train, val = images(83, seed=1), images(37, seed=2)
    plain, model = conv_net(), conv_net()
    expected = fit(plain, train, val, small_config(), device="cpu", progress=False)
    with without_doubles():
        options = {"device": "cpu", "progress": False, "run_dir": tmp_path}
        found = fit(model, train, val, small_config(), **options)
        score = evaluate(model, val, batch_size=8, device="cpu")
    assert (found.loss, found.validation) == (expected.loss, expected.validation)
    assert score == found.validation[22]


def test_the_stand_in_refuses_what_an_apple_gpu_refuses():
    x = torch.ones(2, 2).as_subclass(OnMPS)
    assert type(x @ x + 1) is OnMPS and type((x + 1).cpu()) is torch.Tensor
    assert x.cpu().double().dtype == torch.float64
    with pytest.raises(TypeError, match="float64"):
        x.double()
    with pytest.raises(TypeError, match="float64"), without_doubles():
        torch.zeros(3, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="one device"):
        x + torch.ones(2, 2)


def test_probes_need_no_double_precision_on_the_device():
    torch.manual_seed(0)
    x, labels = torch.rand(2, 1, 16, 16), torch.tensor([0, 1])
    masks = torch.zeros(2, 16, 16, dtype=torch.bool)
    masks[:, 4:9, 4:9] = True
    plain = resattn.create_model("small_attention16").eval()
    expected = probes.attention_maps(plain, x)
    response = probes.responses(plain, x, object_masks=masks)
    gradient = probes.gradient_norms(plain, x, labels)
    model = on_mps(plain)

    def moved(x: torch.Tensor) -> torch.Tensor:
        return x.clone().as_subclass(OnMPS)

    maps = probes.attention_maps(model, moved(x))
    for name, found in maps.items():
        assert type(found) is torch.Tensor and torch.equal(found, expected[name]), name
    found = probes.responses(model, moved(x), object_masks=moved(masks))
    assert torch.equal(found.regions["object"], response.regions["object"])
    assert probes.gradient_norms(model, moved(x), moved(labels)) == gradient
    scores = probes.attention_scores(moved(next(iter(maps.values()))), moved(masks))
    assert scores.energy.dtype == torch.float64 and type(scores.energy) is torch.Tensor
    assert probes.mask_statistics(moved(maps[name])) == probes.mask_statistics(maps[name])
    assert set(probes.baseline_maps(moved(x))) == {"uniform", "centre", "input energy"}
