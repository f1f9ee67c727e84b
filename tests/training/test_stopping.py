from rrgraph.training import EarlyStopping


def test_stops_after_patience_epochs_without_improvement():
    stopping = EarlyStopping(patience=2)
    scores = [0.1, 0.3, 0.3, 0.2, 0.9]
    stopped_at = None
    for epoch, score in enumerate(scores, start=1):
        stopping.update(score, epoch)
        if stopping.stop(epoch):
            stopped_at = epoch
            break
    assert stopped_at == 4
    assert (stopping.best, stopping.best_epoch) == (0.3, 2)


def test_zero_patience_never_stops():
    stopping = EarlyStopping(patience=0)
    for epoch in range(1, 50):
        stopping.update(-epoch, epoch)
        assert not stopping.stop(epoch)
    assert stopping.best_epoch == 1
