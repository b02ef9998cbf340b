"""Waits for a long operation and says how far it is. The operation's status tells
the step it is at, the percentage of what is done, and why a step is tried again."""

import time

from azure.mgmt.core.polling.arm_polling import ARMPolling
from knack.log import get_logger

logger = get_logger(__name__)

REDRAW_SECONDS = 0.25


class Watched(ARMPolling):
    """Polls as usual and keeps what the status says of its progress."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.percent, self.step, self.refusal = None, "", ""

    def request_status(self, status_link):
        answer = super().request_status(status_link)
        try:
            self._note(answer.http_response.json())
        except (ValueError, AttributeError):
            logger.debug("The status is no JSON.")
        return answer

    def _note(self, status):
        if not isinstance(status, dict):
            return
        properties = status.get("properties") or {}
        percent = status.get("percentComplete", properties.get("percentComplete"))
        step = status.get("currentStep") or properties.get("currentStep") or ""
        if isinstance(percent, (int, float)) and 0 <= percent <= 100:
            self.percent = int(percent)
        if step != self.step and step:
            logger.info("%s%% %s", self.percent or 0, step)
        self.step = step or self.step
        self._warn(status.get("stepError"))

    def _warn(self, error):
        """Says once why the step is tried again: the user may have to act."""
        if not isinstance(error, dict) or not error.get("code"):
            return
        said = [error] + [detail for detail in error.get("details") or [] if isinstance(detail, dict)]
        refusal = "; ".join(f"{e.get('code')}: {e.get('message')}" for e in said)
        if refusal != self.refusal:
            logger.warning("The step '%s' is tried again after %s", self.step, refusal)
        self.refusal = refusal

    def words(self):
        """Such as '40%, waiting for the API server'."""
        parts = [] if self.percent is None else [f"{self.percent}%"]
        return ", ".join(parts + [self.step] if self.step else parts)


def wait(cli_ctx, poller, watched, doing):
    """The result of the operation. The line on the terminal is redrawn until then."""
    quiet = cli_ctx.only_show_errors or cli_ctx.config.getboolean("core", "disable_progress_bar", False)
    controller = None if quiet else cli_ctx.get_progress_controller()
    try:
        if controller:
            controller.begin(message=doing)
        while not poller.done():
            if controller:
                controller.add(message=" ".join(filter(None, (doing, watched.words()))))
            time.sleep(REDRAW_SECONDS)
        return poller.result()
    except KeyboardInterrupt:
        logger.error(
            "No longer waiting; the operation goes on. 'az aro wait' waits for it, and 'az aro show' tells how "
            "far it is."
        )
        raise
    finally:
        if controller:
            controller.end(message=doing)


def run(cli_ctx, begin, doing, no_wait):
    """Starts an operation with begin(polling=…) and waits for it, unless asked not to."""
    if no_wait:
        return begin(polling=False)
    watched = Watched(timeout=30)
    return wait(cli_ctx, begin(polling=watched), watched, doing)
