/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.collect;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.openshelf.toolkit.Args;

/** A blocking ring buffer that can be closed: readers then drain what is left. */
public final class BoundedQueue<T> implements AutoCloseable {

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition notEmpty = lock.newCondition();
    private final Condition notFull = lock.newCondition();
    private final Object[] slots;
    private int head;
    private int count;
    private boolean closed;

    public BoundedQueue(int capacity) {
        this.slots = new Object[Args.positive(capacity, "capacity")];
    }

    /** Adds an element and waits while the queue is full. */
    public void put(T item) throws InterruptedException {
        Args.notNull(item, "item");
        lock.lockInterruptibly();
        try {
            while (count == slots.length && !closed) {
                notFull.await();
            }
            Args.state(!closed, "queue is closed");
            enqueue(item);
        } finally {
            lock.unlock();
        }
    }

    /** Adds an element if there is room at once. */
    public boolean offer(T item) {
        Args.notNull(item, "item");
        lock.lock();
        try {
            if (closed || count == slots.length) {
                return false;
            }
            enqueue(item);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Takes the oldest element; empty when the time is over or the queue is closed and drained. */
    public Optional<T> poll(Duration timeout) throws InterruptedException {
        long nanos = timeout.toNanos();
        lock.lockInterruptibly();
        try {
            while (count == 0) {
                if (closed || nanos <= 0) {
                    return Optional.empty();
                }
                nanos = notEmpty.awaitNanos(nanos);
            }
            return Optional.of(dequeue());
        } finally {
            lock.unlock();
        }
    }

    /** Takes up to {@code max} elements without waiting. */
    public List<T> drain(int max) {
        lock.lock();
        try {
            List<T> drained = new ArrayList<>(Math.min(max, count));
            while (count > 0 && drained.size() < max) {
                drained.add(dequeue());
            }
            return drained;
        } finally {
            lock.unlock();
        }
    }

    public int size() {
        lock.lock();
        try {
            return count;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            notEmpty.signalAll();
            notFull.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void enqueue(T item) {
        slots[(head + count) % slots.length] = item;
        count++;
        notEmpty.signal();
    }

    @SuppressWarnings("unchecked")
    private T dequeue() {
        T item = (T) slots[head];
        slots[head] = null;
        head = (head + 1) % slots.length;
        count--;
        notFull.signal();
        return item;
    }
}
