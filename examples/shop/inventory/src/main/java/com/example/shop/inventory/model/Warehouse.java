/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.inventory.model;

import com.example.shop.inventory.util.Preconditions;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A place where goods lie. */
public class Warehouse {

    private final String code;
    private String name;
    private String countryCode;
    private int priority;
    private LocalTime cutOff;
    private boolean active;
    private final List<String> zones;

    private Warehouse(Builder builder) {
        this.code = builder.code;
        this.name = builder.name;
        this.countryCode = builder.countryCode;
        this.priority = builder.priority;
        this.cutOff = builder.cutOff;
        this.active = builder.active;
        this.zones = new ArrayList<String>(builder.zones);
    }

    public String getCode() {
        return code;
    }

    public String getName() {
        return name;
    }

    public void setName(String name) {
        this.name = Preconditions.checkNotEmpty(name, "name");
    }

    public String getCountryCode() {
        return countryCode;
    }

    public void setCountryCode(String countryCode) {
        this.countryCode = Preconditions.checkNotEmpty(countryCode, "countryCode");
    }

    public int getPriority() {
        return priority;
    }

    public void setPriority(int priority) {
        this.priority = Preconditions.checkNotNegative(priority, "priority");
    }

    public LocalTime getCutOff() {
        return cutOff;
    }

    public void setCutOff(LocalTime cutOff) {
        this.cutOff = Preconditions.checkNotNull(cutOff, "cutOff");
    }

    public boolean isActive() {
        return active;
    }

    public void setActive(boolean active) {
        this.active = active;
    }

    public List<String> getZones() {
        return Collections.unmodifiableList(zones);
    }

    /** Whether an order placed at the given time still leaves on the same day. */
    public boolean shipsToday(LocalTime orderedAt) {
        return active && orderedAt.isBefore(cutOff);
    }

    @Override
    public String toString() {
        StringBuilder sb = new StringBuilder("Warehouse{");
        sb.append("code=").append(code);
        sb.append(", name=").append(name);
        sb.append(", zones=");
        for (int i = 0; i < zones.size(); i++) {
            if (i > 0) {
                sb.append('|');
            }
            sb.append(zones.get(i));
        }
        return sb.append('}').toString();
    }

    public static Builder builder(String code) {
        return new Builder(code);
    }

    /** Builds a warehouse; only the code is mandatory. */
    public static class Builder {
        private final String code;
        private String name;
        private String countryCode = "DE";
        private int priority = 100;
        private LocalTime cutOff = LocalTime.of(14, 0);
        private boolean active = true;
        private final List<String> zones = new ArrayList<String>();

        public Builder(String code) {
            this.code = Preconditions.checkNotEmpty(code, "code");
            this.name = code;
        }

        public Builder withName(String name) {
            this.name = Preconditions.checkNotEmpty(name, "name");
            return this;
        }

        public Builder withCountryCode(String countryCode) {
            this.countryCode = Preconditions.checkNotEmpty(countryCode, "countryCode");
            return this;
        }

        public Builder withPriority(int priority) {
            this.priority = Preconditions.checkNotNegative(priority, "priority");
            return this;
        }

        public Builder withCutOff(LocalTime cutOff) {
            this.cutOff = Preconditions.checkNotNull(cutOff, "cutOff");
            return this;
        }

        public Builder withZone(String zone) {
            this.zones.add(Preconditions.checkNotEmpty(zone, "zone"));
            return this;
        }

        public Builder inactive() {
            this.active = false;
            return this;
        }

        public Warehouse build() {
            return new Warehouse(this);
        }
    }
}
