/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.flow;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.openshelf.toolkit.Args;

/** Hands events to every listener whose type fits. A listener that fails does not stop the others. */
public final class EventBus {

    /** Returned by {@link #subscribe}; closing it removes the listener. */
    @FunctionalInterface
    public interface Subscription extends AutoCloseable {
        @Override
        void close();
    }

    private record Listener<E>(Class<E> type, Consumer<? super E> action) {

        void deliver(Object event) {
            action.accept(type.cast(event));
        }
    }

    private final List<Listener<?>> listeners = new CopyOnWriteArrayList<>();
    private final Executor executor;
    private final BiConsumer<Object, RuntimeException> errorHandler;

    /** A bus that delivers on the thread of the publisher. */
    public EventBus() {
        this(Runnable::run, (event, error) ->
                System.getLogger(EventBus.class.getName())
                        .log(System.Logger.Level.WARNING, "listener failed for " + event, error));
    }

    public EventBus(Executor executor, BiConsumer<Object, RuntimeException> errorHandler) {
        this.executor = Args.notNull(executor, "executor");
        this.errorHandler = Args.notNull(errorHandler, "errorHandler");
    }

    public <E> Subscription subscribe(Class<E> type, Consumer<? super E> action) {
        Listener<E> listener = new Listener<>(Args.notNull(type, "type"), Args.notNull(action, "action"));
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    /** Publishes the event and returns the number of listeners that it was handed to. */
    public int publish(Object event) {
        Args.notNull(event, "event");
        int delivered = 0;
        for (Listener<?> listener : listeners) {
            if (listener.type().isInstance(event)) {
                executor.execute(() -> deliverSafely(listener, event));
                delivered++;
            }
        }
        return delivered;
    }

    private void deliverSafely(Listener<?> listener, Object event) {
        try {
            listener.deliver(event);
        } catch (RuntimeException e) {
            errorHandler.accept(event, e);
        }
    }
}
