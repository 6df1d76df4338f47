#ifndef CVDEPLUG_SHIM_H
#define CVDEPLUG_SHIM_H

#include <stddef.h>
#include <sys/types.h>
#include <libvdeplug.h>

/* vde_open is a macro, which Swift does not see. */
static inline VDECONN *cvdeplug_open(const char *url, const char *description, int port) {
    struct vde_open_args arguments = {.port = port, .group = NULL, .mode = 0600};
    return vde_open_real((char *)url, (char *)description, LIBVDEPLUG_INTERFACE_VERSION, &arguments);
}

/*
 * recvmmsg(2), sendmmsg(2) and ppoll(2) are GNU's, which Swift's Glibc does not show. The structures are those of the system: including its
 * headers here would hide parts of them from Glibc's module.
 */
struct cvdeplug_header {
    void *name;
    unsigned int name_length;
    void *vectors;
    size_t vector_count;
    void *control;
    size_t control_length;
    int flags;
};
struct cvdeplug_message {
    struct cvdeplug_header header;
    unsigned int length;
};
struct cvdeplug_vector {
    void *base;
    size_t length;
};
int cvdeplug_receive(int descriptor, struct cvdeplug_message *messages, unsigned int count, int flags, void *timeout)
    __asm__("recvmmsg");
int cvdeplug_send(int descriptor, struct cvdeplug_message *messages, unsigned int count, int flags) __asm__("sendmmsg");
int cvdeplug_poll(void *polls, unsigned long count, const void *timeout, const void *signals) __asm__("ppoll");

/*
 * A call's frames in slots of memory, frame after frame. What is done for each frame is done here, where it costs little in a debug build too.
 */
struct cvdeplug_batch {
    char *memory;
    struct cvdeplug_vector *vectors;
    struct cvdeplug_message *messages;
    size_t stride, limit;
    unsigned int capacity, count, oversized;
    /* How many vectors do not have their whole room. */
    unsigned int changed;
    size_t bytes;
};

/* Reads what is there, without waiting. Returns recvmmsg's answer. A frame that is longer than the limit is left out. */
static inline int cvdeplug_batch_receive(struct cvdeplug_batch *batch, int descriptor, int flags, int truncated) {
    unsigned int i;
    for (i = 0; i < batch->changed; i++) {
        batch->vectors[i].base = batch->memory + i * batch->stride;
        batch->vectors[i].length = batch->limit;
    }
    batch->count = batch->oversized = batch->changed = 0;
    batch->bytes = 0;
    int received = cvdeplug_receive(descriptor, batch->messages, batch->capacity, flags, NULL);
    for (i = 0; (int)i < received; i++) {
        struct cvdeplug_message *message = &batch->messages[i];
        if (message->header.flags & truncated) {
            batch->oversized++;
            continue;
        }
        batch->vectors[batch->count].base = batch->memory + i * batch->stride;
        batch->vectors[batch->count++].length = message->length;
        batch->bytes += message->length;
    }
    if (received > 0) batch->changed = received;
    return received;
}

/* What became of frames that went straight from one socket to another. */
struct cvdeplug_relay {
    /* How many came, without those that were too long, and their bytes; how many were too long. */
    size_t frames, bytes, oversized;
    /* How many of the frames that are still in the batch were taken. */
    unsigned int taken;
};

/*
 * Gives what comes from one socket to another, call after call, until all has been read or not all is taken. Only the last call's
 * frames can be left over; they are in the batch.
 */
static inline struct cvdeplug_relay cvdeplug_batch_relay(
    struct cvdeplug_batch *batch, int source, int sink, unsigned int turns, int flags, int sending, int truncated) {
    struct cvdeplug_relay relay = {0, 0, 0, 0};
    while (turns-- > 0) {
        int received = cvdeplug_batch_receive(batch, source, flags, truncated);
        relay.frames += batch->count;
        relay.bytes += batch->bytes;
        relay.oversized += batch->oversized;
        int taken = batch->count > 0 ? cvdeplug_send(sink, batch->messages, batch->count, flags | sending) : 0;
        relay.taken = taken > 0 ? taken : 0;
        /* Reading until nothing is left costs less than to sleep and be woken for the rest. */
        if (relay.taken < batch->count || received < 1) break;
    }
    return relay;
}

/* The bytes of some frames. */
static inline size_t cvdeplug_batch_bytes(const struct cvdeplug_batch *batch, unsigned int first, unsigned int end) {
    size_t bytes = 0;
    for (; first < end; first++) bytes += batch->vectors[first].length;
    return bytes;
}

#endif
