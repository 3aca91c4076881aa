/* Holds every packet between two TAP devices back for the same time, in each direction, and loses some of them.
 *
 * Usage: delay DEVICE DEVICE ONE_WAY_MICROSECONDS LOST_PERCENT
 * Prints "ready" once both devices exist. They are gone when the process ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE_LENGTH = 16384, FRAME_MAX = 2048 };

struct frame {
    int64_t due_ns;
    ssize_t length;
    unsigned char bytes[FRAME_MAX];
};

/* Frames that came in on one device and wait to go out on the other. */
struct queue {
    struct frame *frames;
    unsigned first, next;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "delay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_tap(const char *name)
{
    struct ifreq request = {0};
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (device < 0)
        fail("/dev/net/tun");
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(device, TUNSETIFF, &request) < 0)
        fail(name);
    return device;
}

static void take_in(int device, struct queue *queue, int64_t delay_ns, long lost_percent)
{
    for (;;) {
        struct frame *frame = &queue->frames[queue->next];
        unsigned after = (queue->next + 1) % QUEUE_LENGTH;

        if (after == queue->first)
            return; /* Full: the kernel's own queue holds the rest. */
        frame->length = read(device, frame->bytes, sizeof frame->bytes);
        if (frame->length <= 0)
            return;
        /* The same packets in every run: random() starts from a seed of its own that never changes. */
        if (random() % 100 < lost_percent)
            continue;
        frame->due_ns = now_ns() + delay_ns;
        queue->next = after;
    }
}

static void send_due(int device, struct queue *queue)
{
    int64_t now = now_ns();

    while (queue->first != queue->next && queue->frames[queue->first].due_ns <= now) {
        struct frame *frame = &queue->frames[queue->first];

        /* A device that takes no more loses the frame, as a wire would. */
        if (write(device, frame->bytes, (size_t)frame->length) < 0 && errno != EAGAIN && errno != EIO)
            fail("write");
        queue->first = (queue->first + 1) % QUEUE_LENGTH;
    }
}

static int64_t next_due(const struct queue *queue)
{
    return queue->first == queue->next ? INT64_MAX : queue->frames[queue->first].due_ns;
}

int main(int count, char **words)
{
    struct queue queues[2] = {{0}};
    struct pollfd devices[2];
    int64_t delay_ns;
    long lost_percent;

    if (count != 5) {
        fprintf(stderr, "usage: delay DEVICE DEVICE ONE_WAY_MICROSECONDS LOST_PERCENT\n");
        return 2;
    }
    delay_ns = strtoll(words[3], NULL, 10) * 1000;
    lost_percent = strtol(words[4], NULL, 10);
    for (int side = 0; side < 2; side++) {
        devices[side] = (struct pollfd){.fd = open_tap(words[1 + side]), .events = POLLIN};
        queues[side].frames = calloc(QUEUE_LENGTH, sizeof *queues[side].frames);
        if (!queues[side].frames)
            fail("memory");
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        int64_t due = next_due(&queues[0]) < next_due(&queues[1]) ? next_due(&queues[0]) : next_due(&queues[1]);
        int64_t wait = due == INT64_MAX ? 0 : due - now_ns();
        struct timespec until = {.tv_sec = wait > 0 ? wait / 1000000000 : 0, .tv_nsec = wait > 0 ? wait % 1000000000 : 0};

        if (ppoll(devices, 2, due == INT64_MAX ? NULL : &until, NULL) < 0 && errno != EINTR)
            fail("ppoll");
        for (int side = 0; side < 2; side++) {
            take_in(devices[side].fd, &queues[side], delay_ns, lost_percent);
            send_due(devices[1 - side].fd, &queues[side]);
        }
    }
}
